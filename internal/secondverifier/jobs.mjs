// Verifies many bundles in one process: one a line of standard input,
// {"bundle":base64,"log_id":hex,"receipts":["SEQ:HASH"…],"now_us":N}, and prints a verdict for each.
import { createInterface } from 'node:readline';
import { verdict } from './verify.mjs';

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { bundle, log_id, receipts, now_us } = JSON.parse(line);
  console.log(verdict(Buffer.from(bundle, 'base64'), log_id, receipts, now_us && BigInt(now_us))[0]);
}
