// Opens envelopes and checks signed documents with nothing of the vault: ML-KEM-768
// and ML-DSA-65 come from @noble/post-quantum, the rest from Node itself.
//
//   npm ci && node open.mjs < job.json
//
// job.json is {"envelope", "keys"} with the keys of an escrow, or {"document",
// "signed", "keys"} with what /encryption/sign answered. It prints what it found as
// JSON, and ends with status 1 if anything does not hold.
import { createDecipheriv, createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa';
import { ml_kem768 } from '@noble/post-quantum/ml-kem';

const bytes = (text) => Buffer.from(text, 'base64');
const sha512 = (data) => createHash('sha512').update(data).digest();
const hmac512 = (key, data) => createHmac('sha512', key).update(data).digest();
const hkdf512 = (secret, info, size) => Buffer.from(hkdfSync('sha512', secret, Buffer.alloc(0), info, size));
const same = (a, b) => a.length === b.length && timingSafeEqual(a, b);

// canonical is RFC 8785 for an object whose values are texts: JavaScript sorts and
// escapes as that standard does, which was modelled on it.
function canonical(context) {
  const members = Object.keys(context).sort().map((name) => `${JSON.stringify(name)}:${JSON.stringify(context[name])}`);
  return Buffer.from(`{${members.join(',')}}`);
}

// binding is what ties an envelope's parts to one another and to whom it is for.
function binding({ version = '1.0', encrypted, signature }, context) {
  const uuid = (text) => Buffer.from(text.replaceAll('-', ''), 'hex');
  const hash = context
    ? createHash('sha3-256').update(Buffer.concat([Buffer.from('quantaseal/v1/envelope-context\0'), context])).digest()
    : Buffer.alloc(32);
  const parts = [
    Buffer.from(version), uuid(encrypted.tenant_id), uuid(signature.key_id), Buffer.from(encrypted.algorithm), Buffer.from(signature.algorithm),
    bytes(encrypted.ciphertext_kem), bytes(encrypted.ciphertext_data), hash,
  ];
  return Buffer.concat(parts.flatMap((part) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(part.length);
    return [size, part];
  }));
}

function openEnvelope(envelope, keys) {
  const { encrypted, signature } = envelope;
  const data = bytes(encrypted.ciphertext_data);
  const secret = bytes(keys.hmac_secret);
  const context = encrypted.context && canonical(encrypted.context);
  const found = {
    pqc_valid: ml_dsa65.verify(bytes(keys.sign_public_key), data, bytes(signature.pqc_signature)),
    hmac_valid: same(hmac512(sha512(secret), data), bytes(signature.hmac_signature)),
    binding_valid: same(
      hmac512(hkdf512(secret, 'quantaseal/v1/envelope-binding-hmac', 64), binding(envelope, context)),
      bytes(signature.binding_hmac),
    ),
  };
  if (!found.pqc_valid || !found.hmac_valid || !found.binding_valid) return found;
  const opened = [];
  for (const decapsulationKey of [ml_kem768.keygen(bytes(keys.kem_seed)).secretKey, bytes(keys.kem_private_key)]) {
    const shared = ml_kem768.decapsulate(bytes(encrypted.ciphertext_kem), decapsulationKey);
    const cipher = createDecipheriv('aes-256-gcm', hkdf512(shared, 'quantaseal-aes-key', 32), data.subarray(0, 12));
    if (context) cipher.setAAD(context);
    cipher.setAuthTag(data.subarray(-16));
    opened.push(Buffer.concat([cipher.update(data.subarray(12, -16)), cipher.final()]).toString('base64'));
  }
  return { ...found, keys_agree: opened[0] === opened[1], plaintext: opened[0] };
}

function checkDocument(document, signed, keys) {
  const data = bytes(document);
  return {
    pqc_valid: ml_dsa65.verify(bytes(keys.sign_public_key), data, bytes(signed.pqc_signature)),
    hmac_valid: same(hmac512(sha512(bytes(keys.hmac_secret)), data), bytes(signed.hmac_signature)),
  };
}

const job = JSON.parse(readFileSync(0, 'utf8'));
const found = job.envelope ? openEnvelope(job.envelope, job.keys) : checkDocument(job.document, job.signed, job.keys);
console.log(JSON.stringify(found));
process.exitCode = Object.values(found).includes(false) ? 1 : 0;
