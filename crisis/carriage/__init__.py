"""Beyond one machine: batches travel over NATS JetStream to workers that need no database; Postgres stays the truth.

wire    what travels, as bytes: loads with their cargo, flushes of outcomes, how a load ended
hub     one connection to NATS: streams, what is kept in them, questions and calls
relay   the service's side: leases loads as any worker does, puts a few of them on the way, answers claims
record  the service's side: writes what comes back to Postgres, each flush once, and tells its worker
far     the worker's side: the Source and the Write of a Courier that has no database
"""
