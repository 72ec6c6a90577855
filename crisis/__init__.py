"""Crisis: an alert lives through a few stages; the row in Postgres is the only message between them.

trigger   an officer, a feed or a schedule launches a playbook level: a draft alert
intake    what feeds tell: a draft, an update or an end of ours; authorised beforehand, a release
plan      who, by which channels, in which words; pure, and the preview that officers approve
release   a second officer approves, returns or rejects; freezes words and hash
fanout    audience -> batches, most at risk first, inside the release transaction and right after it
deliver   lease a batch, send, record attempts, decide what a failure means
hold      an officer pauses, resumes or stops what an alert has still to send on a channel
receipts  what providers report later; progress
failover  who was not reached in time is warned on their next channel
inbound   residents write: understood, filed, urgent ones paged
answer    from the playbook, or by an officer, on the channel the question came from
update    update, correction, cancel, all-clear, the next-update clock: back to plan

Parts of stages: source (what trigger takes over from a CAP alert), intake_book, intake_told, intake_case, intake_open
and intake_right (of intake), feedbook (the feeds and how each stands), feed_rests (what of ours rests on what a feed
lists no longer), walk (of fanout), leases, lapses, bucket, notices, trip, pace and ledger (of deliver), publish (an
alert as CAP, once for all), about (what a kit tells beside the words), register (officers, areas, residents),
stations (which radio stations take our kits), readback (who said when one aired an alert).
"""
