// The edge's only function. It sees every request before the cache is looked at, and the answer to what is handed in.
// Invariant: no payment is looked up without a signed link that has not expired, and of a link that is not good nobody
// learns why. Language: ES 5.1 with const, let, async and await, which the runtime cloudfront-js-2.0 is sure to have.
import cf from 'cloudfront';
const crypto = require('crypto');
const kvs = cf.kvs();

// {payment id}.{expiry, in seconds}.{HMAC-SHA256, in hexadecimal}: see functions/payments/src/link.rs.
const TOKEN = /^([A-Za-z0-9_-]{1,128})\.([0-9]{10})\.([0-9a-f]{64})$/;
const PAYMENT_ID = /^[A-Za-z0-9_-]{1,128}$/;
const PURPOSE = 'status-link-1.';
const RECEIPT_LIFE_S = 30 * 86400;

// CloudFront lets no function take the first five away.
const OF_A_LOOK = ['host', 'via', 'cdn-loop', 'content-length', 'transfer-encoding', 'if-none-match'];
const OF_A_HAND_IN = OF_A_LOOK.concat([
  'authorization', 'content-type', 'payment-id', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token',
]);

async function handler(event) {
  if (event.context.eventType === 'viewer-response') return receipt(event);
  const request = event.request;
  const uri = request.uri;
  const methods = uri === '/payments' ? ['POST'] : ['GET', 'HEAD'];
  const isKnown = uri === '/health' || uri === '/payments' || uri === '/trouble.html' || uri.startsWith('/p/');
  if (!isKnown) return nothingHere(request);
  if (!methods.includes(request.method)) {
    const allow = { allow: { value: methods.join(', ') } };
    return answer(request, 405, 'Method Not Allowed', 'refused', 'This is asked for by ' + methods.join(' or ') + '.', allow);
  }
  if (uri === '/health') return answer(request, 200, 'OK', 'up', 'The edge answers.');
  if (uri === '/payments') return handIn(request);
  if (uri === '/trouble.html') return stripped(request, OF_A_LOOK);
  return look(request, uri.slice('/p/'.length));
}

async function handIn(request) {
  const maintained = await valueOf('maintenance');
  if (maintained === 'all') return maintenance(request);
  // Whoever shows nothing is nobody's shop, and costs those who are no part of their rate.
  if (!request.headers.authorization) return answer(request, 401, 'Unauthorized', 'refused', 'A shop shows its authorization.');
  const id = request.headers['payment-id'];
  if (id && !PAYMENT_ID.test(id.value)) {
    return answer(request, 400, 'Bad Request', 'refused', 'The header payment-id is 1 to 128 of A-Z a-z 0-9 _ -.');
  }
  return stripped(request, OF_A_HAND_IN);
}

async function look(request, token) {
  const parts = TOKEN.exec(token);
  if (!parts) return nothingHere(request);
  const maintained = await valueOf('maintenance');
  if (maintained === 'lookups' || maintained === 'all') return maintenance(request);
  const newKey = await valueOf('key_new');
  const oldKey = await valueOf('key_old');
  if (!newKey) return unavailable(request, 'Links cannot be checked right now. Nobody is charged twice.', '5');
  const signed = parts[1] + '.' + parts[2];
  // Both are compared, whatever came of the first.
  const isOfNew = same(parts[3], signature(newKey, signed));
  const isOfOld = same(parts[3], oldKey ? signature(oldKey, signed) : '');
  const isAlive = Number(parts[2]) > Date.now() / 1000;
  if (!(isOfNew || isOfOld) || !isAlive) return nothingHere(request);
  request.uri = (isOfAPerson(request) ? '/page/' : '/json/') + parts[1];
  return stripped(request, OF_A_LOOK);
}

// What SQS says of a message is of no use to whoever hands in a payment. The link is for the id in the header, since the
// body is not shown to functions.
async function receipt(event) {
  const response = event.response;
  if (response.statusCode >= 300) return response;
  const id = event.request.headers['payment-id'];
  const key = await valueOf('key_new');
  const body = { state: 'accepted' };
  if (key && id && PAYMENT_ID.test(id.value)) {
    const expires = Math.floor(Date.now() / 1000) + RECEIPT_LIFE_S;
    const signed = id.value + '.' + expires;
    body.payment_id = id.value;
    body.expires_at_s = expires;
    body.link = '/p/' + signed + '.' + signature(key, signed);
    response.headers.location = { value: body.link };
  }
  response.statusCode = 202;
  response.statusDescription = 'Accepted';
  response.headers['content-type'] = { value: 'application/json' };
  response.body = { encoding: 'text', data: JSON.stringify(body) };
  return response;
}

function signature(key, signed) {
  return crypto.createHmac('sha256', key).update(PURPOSE + signed).digest('hex');
}

// Takes as long whatever the first text is: a comparison that stops at a difference tells where that is.
function same(given, expected) {
  let difference = given.length ^ expected.length;
  for (let i = 0; i < given.length; i++) difference |= given.charCodeAt(i) ^ expected.charCodeAt(i % expected.length);
  return difference === 0;
}

async function valueOf(name) {
  try {
    const value = await kvs.get(name);
    return value;
  } catch (absent) {
    return undefined;
  }
}

// The path is all that is left to tell one request from another.
function stripped(request, kept) {
  request.querystring = {};
  request.cookies = {};
  Object.keys(request.headers).forEach(function (name) {
    if (!kept.includes(name)) delete request.headers[name];
  });
  return request;
}

function isOfAPerson(request) {
  const accept = request.headers.accept;
  return accept !== undefined && accept.value.includes('text/html');
}

function nothingHere(request) {
  return answer(request, 404, 'Not Found', 'no_link', 'There is nothing here. A link is good for a while: ask the shop for a new one.');
}

function maintenance(request) {
  return unavailable(request, 'We are working on this. Nothing is lost, and nobody is charged twice.', '60');
}

function unavailable(request, certain, seconds) {
  return answer(request, 503, 'Service Unavailable', 'unavailable', certain, { 'retry-after': { value: seconds } });
}

function answer(request, code, description, state, certain, headers) {
  const all = headers || {};
  const isText = isOfAPerson(request);
  all['cache-control'] = { value: 'no-store' };
  all['content-type'] = { value: isText ? 'text/plain; charset=utf-8' : 'application/json' };
  const data = isText ? certain + '\n' : JSON.stringify({ state: state, certain: certain });
  return { statusCode: code, statusDescription: description, headers: all, body: { encoding: 'text', data: data } };
}
