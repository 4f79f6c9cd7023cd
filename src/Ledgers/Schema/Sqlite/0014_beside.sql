-- What rates a usage anew, corrects, voids or credits it, by that usage: few rows, so that booking a usage writes nothing here. The blob is `"corrects":`.
CREATE INDEX usage_beside ON usage (account, json_extract(CAST(record AS TEXT), '$.corrects')) WHERE instr(record, X'22636f727265637473223a') > 0;
