"""CAP 1.2, the Common Alerting Protocol: nouns, reading (lenient), rules, writing (strict), feeds of ours."""
