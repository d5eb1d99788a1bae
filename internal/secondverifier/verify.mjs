// A second verifier of exported audit chains, written from docs/chain-format.md alone:
//   node verify.mjs BUNDLE [--log-id HEX] [--receipt SEQ:HASH]...
// It prints verified, tampered or unreadable, and exits with 0, 1 or 2. It stops at the first thing that is wrong.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sha256 } from '@noble/hashes/sha2';
import { sha3_256 } from '@noble/hashes/sha3';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa';
const MAX = 2n ** 64n - 1n, MAX_LINE = 16 << 20;
class Tampered extends Error {} class Unreadable extends Error {}
const must = (ok, check) => { if (!ok) throw new Tampered(check); }, readable = (ok, why) => { if (!ok) throw new Unreadable(why); };
const latin = (s) => Buffer.from(s, 'latin1');
const cat = (...parts) => Buffer.concat(parts.map((p) => Buffer.from(p)));
const T = (label, ...parts) => Buffer.from(sha3_256(cat(`quantaseal/v1/${label}\0`, ...parts)));
const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(n); return b; };
const number = (s) => (/^(0|[1-9][0-9]{0,19})$/.test(s) && BigInt(s) <= MAX ? BigInt(s) : undefined);
const base64 = (s) => { const b = Buffer.from(s, 'base64'); return b.toString('base64') === s ? b : undefined; };
const uuid = (b) => b.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
// Signatures are ML-DSA-65 under a context. What was verified before is remembered: jobs have most in common.
const known = new Map();
function signed(key, context, message, signature) {
  const id = sha256(cat(key, context, '\0', message, signature)).join();
  if (known.size > 100_000) known.clear();
  if (signature.length === 3309 && !known.has(id)) known.set(id, ml_dsa65.verify(key, message, signature, Buffer.from(`quantaseal/v1/${context}`)));
  return known.get(id) ?? false;
}
// V9: an object of I-JSON that every reader reads alike.
function strictJSON(bytes) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), value = JSON.parse(text);
    let names = 0;
    const whole = (v, depth) => {
      if (typeof v !== 'object' || v === null) return typeof v !== 'string' || !/\p{Surrogate}/u.test(v); // a lone one
      if (!Array.isArray(v)) names += Object.keys(v).length;
      return depth <= 64 && Object.entries(v).every(([name, x]) => whole(name, depth) && whole(x, depth + 1));
    };
    const tokens = text.match(/"(?:[^"\\]|\\.)*"[ \t\n\r]*:?|-?[0-9][^\s,\]}]*/g) ?? [];
    return text.trim()[0] === '{' && whole(value, 1) && tokens.filter((t) => t.endsWith(':')).length === names && // none twice
      tokens.every((t) => t[0] === '"' || (/^(0|-?[1-9][0-9]{0,15})$/.test(t) && BigInt(t) <= 2n ** 53n && BigInt(t) >= -(2n ** 53n)));
  } catch { return false; }
}
// V1, V2: the header QSE1.
function header(b) {
  must(b.length >= 298 && b.length <= 360 && b.toString('latin1', 0, 5) === 'QSE1\x01', 'V1');
  const cut = (from, to) => b.subarray(from, to), big = (at) => b.readBigUInt64BE(at);
  const h = {
    flags: b[5], logID: cut(8, 40), tenant: cut(40, 56), seq: big(56), prev: cut(64, 96), id: cut(96, 112), time: big(112),
    kind: b[120], aggregate: cut(124, 140), version: big(140), content: b.readUInt16BE(182),
    payloadLength: b.readUInt32BE(184), payloadHash: cut(188, 220), detachedLength: b.readUInt32BE(220), detachedHash: cut(224, 256),
    signer: cut(256, 288), epoch: big(288), type: b.toString('latin1', 297), hash: T('event', b),
  };
  [h.detached, h.keyEvent, h.genesis, h.recovery] = [1, 2, 4, 8].map((bit) => (h.flags & bit) !== 0);
  must(b.readUInt16BE(6) === b.length && b[296] === b.length - 297 && b[123] === 0 && h.flags < 16 && h.genesis === (h.seq === 0n) &&
    h.kind > 0 && b[121] <= 4 && b[122] <= 2 && (h.content === 1 || h.content === 2) && h.payloadLength <= 65536 && h.epoch > 0n &&
    (h.detached ? h.detachedLength > 0 : h.detachedLength === 0 && h.detachedHash.every((x) => x === 0)) && /^[A-Z][A-Z0-9_]*$/.test(h.type), 'V2');
  return h;
}
// fields reads a payload that has exactly these members, in this order and without spaces.
function fields(payload, names, check) {
  const m = new RegExp(`^\\{${names.map((n) => `"${n}":("[A-Za-z0-9+/=]*"|[0-9]+)`).join(',')}\\}$`).exec(payload.toString('latin1'));
  const values = m?.slice(1).map((v) => (v[0] === '"' ? base64(v.slice(1, -1)) : number(v)));
  must(values?.every((x) => x !== undefined), check);
  return values;
}
// certificate reads QSK1, which the root key signed.
function certificate(b, root, check) {
  must(Buffer.isBuffer(b) && b.length === 137 + 3309 && signed(root, 'keycert', b.subarray(0, 137), b.subarray(137)), check);
  must(b.toString('latin1', 0, 4) === 'QSK1' && b[72] <= 3 && b.readBigUInt64BE(56) > 0n, check);
  return { logID: b.subarray(4, 36), tenant: b.subarray(36, 52), index: BigInt(b.readUInt32BE(52)), epoch: b.readBigUInt64BE(56),
    from: b.readBigUInt64BE(64), reason: b[72], prev: b.subarray(73, 105), key: b.subarray(105, 137) };
}
// includes follows a Merkle path (RFC 9162 §2.1.3.2) from a leaf to the root.
function includes(hash, root, data, index, size, path) {
  let node = hash(cat([0], data)), at = index, last = size - 1n;
  for (const sibling of path) {
    if (last <= 0n) return false;
    if (at & 1n || at === last) {
      node = hash(cat([1], sibling, node));
      while (!(at & 1n) && at !== 0n) [at, last] = [at >> 1n, last >> 1n];
    } else node = hash(cat([1], node, sibling));
    [at, last] = [at >> 1n, last >> 1n];
  }
  return index < size && last === 0n && root.equals(node);
}
// checkpoint opens a signed note (C2SP) of the log (V25).
function checkpoint(note, origin, root) {
  const m = /^([^\n]+)\n([0-9]+)\n([^\n]*)\n\n((?:\xe2\x80\x94 [^\n]+ [^ \n]+\n)+)$/.exec(note);
  must(m && note.length <= 65536 && m[1] === origin && number(m[2]) !== undefined && base64(m[3])?.length === 32, 'V25');
  let keyID = sha256(cat(latin(origin), '\n', [0xff], 'quantaseal/ml-dsa-65/v1', root)).slice(0, 4), ours = 0;
  for (const line of m[4].slice(0, -1).split('\n')) {
    const at = line.lastIndexOf(' '), signature = base64(line.slice(at + 1));
    must(at > 4 && signature?.length > 4, 'V25');
    if (line.slice(4, at) !== origin || !signature.subarray(0, 4).equals(keyID)) continue;
    must(ours++ === 0 && signed(root, 'checkpoint', latin(note.slice(0, note.indexOf('\n\n') + 1)), signature.subarray(4)), 'V25');
  }
  must(ours === 1, 'V25');
  return { size: number(m[2]), root: base64(m[3]) };
}
const PATH = '\\[((?:"[^"]*"(?:,"[^"]*")*)?)\\]', N = '([0-9]+)';
const HEADER = new RegExp(`^\\{"type":"bundle","version":1,"origin":"([^"]*)","root_public_key":"([^"]*)","created_us":${N},"nonce":"([0-9a-f]{64})",` +
  `"log_id":"([0-9a-f]{64})","tenant_id":"([0-9a-f-]{36})","from_seq":${N},"to_seq":${N}\\}$`);
const EVENT = new RegExp(`^\\{"type":"event","seq":${N},"header":"([^"]*)","payload":"([^"]*)","detached":(?:null|"([^"]*)"),"signature":"([^"]*)"\\}$`);
const ANCHOR = new RegExp(`^\\{"type":"anchor","record":"([^"]*)","tenant_index":${N},"heads_path":${PATH},"tlog_index":${N},"tlog_path":${PATH},` +
  `"checkpoint":"([^"]*)"(?:,"consistency_from":([1-9][0-9]*),"consistency_path":${PATH})?\\}$`);
const UNKNOWN = /^\{"type":"(?!event"|anchor")[a-z]+","(?!seq":|record":)/;
function verify(bytes, logID, receipts = [], now = BigInt(Date.now()) * 1000n) {
  const lines = bytes.toString('latin1').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const m = HEADER.exec(lines[0] ?? '');
  readable(m && lines[0].length <= MAX_LINE, 'header');
  const name = latin(m[1]), root = base64(m[2]), [created, from, to] = [m[3], m[7], m[8]].map(number), id = latin(m[6].replaceAll('-', ''));
  const tenant = Buffer.from(id.toString('latin1'), 'hex');
  readable(name.length > 0 && name.length <= 255 && !/[\x00-\x1f"\\\x7f\ufffd]/.test(name.toString()) && root?.length === 1952 &&
    created !== undefined && from !== undefined && to !== undefined && to < MAX && from === 0n && tenant.length === 16 && uuid(tenant) === m[6], 'header');
  const log = T('log-id', u64(BigInt(name.length)).subarray(6), name, root, u64(created), Buffer.from(m[4], 'hex'));
  must(log.toString('hex') === m[5] && (!logID || logID === m[5]), 'V3');
  const wanted = new Map(receipts.map((r) => r.split(':')).map(([seq, hash]) => [BigInt(seq), hash]));
  const ids = new Set(), versions = new Map(), retired = new Set();
  let next = 0n, head, time = 0n, key, keyID, epoch = 0n, index, proof;
  for (const line of lines.slice(1)) {
    readable(line.length <= MAX_LINE, 'line');
    if (line.startsWith('{"type":"anchor","record":"')) {
      proof = [ANCHOR.exec(line), must(proof === undefined, 'V5')][0];
      if (must(proof, 'V1') === undefined) continue;
    }
    const e = EVENT.exec(line);
    readable(e || !UNKNOWN.test(line), 'a line of an unknown kind');
    must(e && number(e[1]) !== undefined && proof === undefined, 'V1 V5');
    const [raw, payload, detached, signature] = e.slice(2).map((p) => (p === undefined ? undefined : base64(p)));
    must(raw && payload && signature && (e[4] === undefined) === (detached === undefined), 'V1');
    const h = header(raw), restored = h.recovery || h.type === 'CHAIN_RESTORED';
    must(number(e[1]) === h.seq, 'V14');
    must(h.logID.equals(log) && h.tenant.equals(tenant), 'V3 V4');
    must(h.time >= time && h.time <= now + 300_000_000n, 'V7');
    must(!ids.has(h.id.toString('hex')), 'V8');
    must(payload.length === h.payloadLength && T('payload', payload).equals(h.payloadHash) && h.content === 1 && strictJSON(payload), 'V9');
    must(h.detached ? detached && detached.length === h.detachedLength && T('detached', detached).equals(h.detachedHash) : detached === undefined, 'V10');
    const aggregate = `${h.kind} ${h.aggregate.toString('hex')}`, aboutTenant = h.kind === 1 && h.aggregate.equals(tenant) && h.version === 0n;
    must(h.version === 0n || h.version === (versions.get(aggregate) ?? 0n) + 1n, 'V11');
    let nextKey;
    if (next === 0n || !restored) must(h.seq === next && h.prev.equals(next === 0n ? T('genesis', log, tenant) : head), 'V5 V6');
    if (next === 0n) { // V15
      must(!restored && !h.keyEvent && h.type === 'CHAIN_GENESIS' && aboutTenant, 'V15');
      const [cert, pk, place] = fields(payload, ['key_cert', 'public_key', 'tenant_index'], 'V15');
      must(Buffer.isBuffer(pk) && pk.length === 1952 && typeof place === 'bigint' && place < 2n ** 32n, 'V15');
      const c = certificate(cert, root, 'V15');
      [key, keyID, epoch, index] = [pk, T('key-id', pk), 1n, place];
      must(c.logID.equals(log) && c.tenant.equals(tenant) && c.index === index && c.epoch === 1n && c.from === 0n && c.reason === 0 &&
        c.prev.every((x) => x === 0) && c.key.equals(keyID) && (index === 0n) === tenant.every((x) => x === 0), 'V15');
    } else if (restored) { // V18
      must(h.type === 'CHAIN_RESTORED' && h.recovery && !h.keyEvent && !h.genesis && aboutTenant, 'V18');
      const [l, first, last] = fields(payload, ['key_cert', 'missing_from_seq', 'missing_to_seq'], 'V18');
      must(Buffer.isBuffer(l) && l.length === 216 + 3309 && l.toString('latin1', 0, 4) === 'QSR1' && signed(root, 'recovery', l.subarray(0, 216), l.subarray(216)), 'V18');
      must(l.subarray(4, 36).equals(log) && l.subarray(36, 52).equals(tenant) && BigInt(l.readUInt32BE(52)) === index && l.readBigUInt64BE(56) === h.epoch &&
        l.subarray(64, 96).equals(h.signer) && l.readBigUInt64BE(96) === first && first === next && l.subarray(104, 136).equals(head) && l.readBigUInt64BE(136) === last &&
        last >= first && h.seq === last + 1n && l.subarray(144, 176).equals(h.prev), 'V18');
    } else if (h.keyEvent || h.type === 'CHAIN_KEY_ROTATED') { // V16
      must(h.keyEvent && h.type === 'CHAIN_KEY_ROTATED', 'V16');
      const [cert, possession, pk] = fields(payload, ['key_cert', 'proof_of_possession', 'public_key'], 'V16');
      must(Buffer.isBuffer(pk) && pk.length === 1952 && Buffer.isBuffer(possession), 'V16');
      const c = certificate(cert, root, 'V16'), pkID = T('key-id', pk);
      must(c.logID.equals(log) && c.tenant.equals(tenant) && c.index === index && c.key.equals(pkID) && c.prev.equals(keyID) && c.epoch === epoch + 1n &&
        c.from === h.seq + 1n && c.reason === 1 && !retired.has(pkID.toString('hex')) && !pkID.equals(keyID) &&
        signed(pk, 'keypop', cat(log, tenant, u64(h.seq), h.prev, pkID), possession), 'V16');
      nextKey = [pk, pkID];
    } else must(h.type !== 'CHAIN_GENESIS', 'V15');
    must(h.signer.equals(keyID) && h.epoch === epoch, 'V12 V17');
    must(signed(key, 'event', raw, signature), 'V13 V16 V18');
    if (nextKey) { retired.add(keyID.toString('hex')); [key, keyID] = nextKey; epoch++; }
    ids.add(h.id.toString('hex')), h.version > 0n && versions.set(aggregate, h.version);
    if (wanted.has(h.seq)) { must(wanted.get(h.seq) === h.hash.toString('hex'), 'V28'); wanted.delete(h.seq); }
    [next, head, time] = [h.seq + 1n, h.hash, h.time];
  }
  must(next === to + 1n && wanted.size === 0, 'V5 V23 V28');
  if (proof) anchored(proof, m[1], root, log, index, cat('QSH1', u64(index).subarray(4), tenant, u64(to), head, [0, 0, 0, 0]));
}
// anchored checks the last line: the root key signed a log of anchors that holds one whose heads hold the leaf.
function anchored(m, origin, root, log, index, leaf) {
  const record = base64(m[1]), numbers = [m[2], m[4], m[7] ?? '1'].map(number);
  const paths = [m[3], m[5], m[8] ?? ''].map((p) => (p === '' ? [] : p.slice(1, -1).split('","').map(base64)));
  must(record && numbers.every((n) => n !== undefined) && numbers[0] < 2n ** 32n && paths.every((p) => p.length <= 65 && p.every((x) => x?.length === 32)), 'V1');
  const c = checkpoint(m[6].replaceAll('\\n', '\n'), origin, root);
  must(record.length === 132 && record.toString('latin1', 0, 8) === 'QSA1\x01\0\0\0' && record.readBigUInt64BE(40) === numbers[1], 'V21');
  must(record.subarray(8, 40).equals(log) && numbers[0] === index, 'V3 V15');
  must(includes(sha256, c.root, record, numbers[1], c.size, paths[1]), 'V24');
  must(includes(sha3_256, record.subarray(100, 132), leaf, index, BigInt(record.readUInt32BE(96)), paths[0]), 'V23');
}
// verdict returns what verify comes to, and the exit status.
export function verdict(...args) {
  try { verify(...args); return ['verified', 0]; } catch (err) {
    if (!(err instanceof Tampered || err instanceof Unreadable)) throw err;
    return err instanceof Tampered ? [`tampered ${err.message}`, 1] : [`unreadable ${err.message}`, 2];
  }
}
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2), all = (flag) => args.filter((_, i) => args[i - 1] === flag);
  const [text, code] = verdict(readFileSync(args[0]), all('--log-id')[0], all('--receipt'));
  process.exitCode = (console.log(text), code);
}
