// What the runtime cloudfront-js-2.0 is to a function, made of an engine that has more than it and some of it otherwise.
// `host` is what is written in Rust: now(), value(name), count(), digest(algorithm, key, text, encoding), saw(isOutOfMemory).
// Answers with what runs the function once: the text of an event in, that of its answer out; without an event, whether
// there is a handler.
(function (host, code, isShared) {
  'use strict';

  // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html, without what is
  // not here: Buffer, TextEncoder and TextDecoder, atob and btoa, process. Whoever uses those gets a ReferenceError.
  const GLOBALS = [
    'Array', 'ArrayBuffer', 'Boolean', 'DataView', 'Date', 'Error', 'EvalError', 'Float32Array', 'Float64Array', 'Function',
    'Infinity', 'Int16Array', 'Int32Array', 'Int8Array', 'InternalError', 'JSON', 'Math', 'NaN', 'Number', 'Object', 'Promise',
    'RangeError', 'ReferenceError', 'RegExp', 'String', 'Symbol', 'SyntaxError', 'TypeError', 'URIError', 'Uint16Array',
    'Uint32Array', 'Uint8Array', 'Uint8ClampedArray', 'decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent',
    'globalThis', 'isFinite', 'isNaN', 'parseFloat', 'parseInt', 'undefined',
  ];
  const { apply, construct, ownKeys } = Reflect;
  const { defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const { parse, stringify } = JSON;
  const Known = Set;
  const SHAPES = [
    async function () {}, function* () {}, async function* () {}, [][Symbol.iterator](), ''[Symbol.iterator](),
    'a'.matchAll(/a/g), (function* () {})(), (async function* () {})(),
  ].map(getPrototypeOf);

  // The function's own scope. Made anew for each invocation, so nothing that it keeps there is there the next time.
  const load = Function('require', 'imported', '"use strict"; ' + code + '\nreturn typeof handler === "function" && handler;');

  Math.random = function () { throw new Error('Math.random is not here: no two runs would be alike'); };
  // The engine calls this for whatever it throws, also for what the function then catches. Its own errors are no plain ones.
  const plain = Error.prototype;
  const internal = InternalError.prototype;
  Error.prepareStackTrace = function (error) {
    const kind = getPrototypeOf(error);
    if (kind !== plain) host.saw(kind === internal && error.message === 'out of memory');
    return '';
  };
  ['prepareStackTrace', 'stackTraceLimit', 'captureStackTrace'].forEach(function (name) { delete Error[name]; });
  withoutCodeFromText();
  globalThis.Date = dateOf(Date);
  ownKeys(globalThis).forEach(function (name) { if (!GLOBALS.includes(name)) delete globalThis[name]; });
  globalThis.console = { log: function () {} };
  if (isShared) freezeAll([globalThis, required, imported, createHash, createHmac, get, exists, count].concat(SHAPES));

  return async function (text) {
    const handler = load(required, imported);
    if (text === undefined) return String(handler !== false);
    return stringify(await handler(parse(text)));
  };

  // No eval, and no constructor of functions, by whatever way: CloudFront refuses code made of text.
  function withoutCodeFromText() {
    const none = function Function() { throw new EvalError('Code generation from strings disallowed for this context'); };
    none.prototype = Function.prototype;
    [Function.prototype].concat(SHAPES.slice(0, 3)).forEach(function (prototype) {
      defineProperty(prototype, 'constructor', { value: none, writable: true, configurable: true });
    });
    globalThis.Function = none;
  }

  // The world's clock and UTC, whatever clock and zone the machine has.
  function dateOf(Real) {
    const fields = ['Date', 'Day', 'FullYear', 'Hours', 'Milliseconds', 'Minutes', 'Month', 'Seconds'];
    const { UTC, parse, prototype } = Real;
    const ofText = function (text) {
      const asUtc = parse(text + 'Z');
      return asUtc === asUtc ? asUtc : parse(text);
    };
    const instant = function (given) {
      if (given.length === 0) return host.now();
      if (given.length > 1) return apply(UTC, undefined, given);
      return typeof given[0] === 'string' ? ofText(given[0]) : given[0];
    };
    const Date = function Date() {
      if (!new.target) return new Real(host.now()).toUTCString();
      return construct(Real, [instant(arguments)], new.target);
    };
    fields.forEach(function (field) {
      prototype['get' + field] = prototype['getUTC' + field];
      if (field !== 'Day') prototype['set' + field] = prototype['setUTC' + field];
    });
    ['toString', 'toDateString', 'toTimeString', 'toLocaleString', 'toLocaleDateString', 'toLocaleTimeString'].forEach(
      function (name) { prototype[name] = prototype.toUTCString; });
    prototype.getTimezoneOffset = function () { return 0; };
    ['getYear', 'setYear'].forEach(function (name) { delete prototype[name]; });
    prototype.constructor = Date;
    Date.prototype = prototype;
    Date.UTC = UTC;
    Date.parse = function (text) { return ofText(String(text)); };
    Date.now = function () { return host.now(); };
    return Date;
  }

  // All that can be reached without the function, so that no invocation finds what another one left.
  function freezeAll(found) {
    const known = new Known(found);
    known.forEach(function (one) {
      const next = [getPrototypeOf(one)];
      ownKeys(one).forEach(function (key) {
        const property = getOwnPropertyDescriptor(one, key);
        next.push(property.value, property.get, property.set);
      });
      next.forEach(function (value) {
        if (value !== null && (typeof value === 'object' || typeof value === 'function')) known.add(value);
      });
    });
    known.forEach(freeze);
  }

  function required(name) {
    if (name !== 'crypto') throw new Error('Cannot find module "' + name + '": here is crypto');
    return { createHash: createHash, createHmac: createHmac };
  }

  function createHash(algorithm) {
    return digesting(algorithm, undefined);
  }

  function createHmac(algorithm, key) {
    if (typeof key !== 'string') throw new TypeError('key is not a string');
    return digesting(algorithm, key);
  }

  function digesting(algorithm, key) {
    if (!['md5', 'sha1', 'sha256'].includes(algorithm)) throw new TypeError('not supported algorithm: "' + algorithm + '"');
    let all = '';
    return {
      update: function (data) {
        if (typeof data !== 'string') throw new TypeError('data is not a string');
        if (all === null) throw new Error('Digest already called');
        all += data;
        return this;
      },
      digest: function (encoding) {
        if (!['hex', 'base64', 'base64url'].includes(encoding)) throw new TypeError('Unknown digest encoding: "' + encoding + '"');
        if (all === null) throw new Error('Digest already called');
        const text = all;
        all = null;
        return host.digest(algorithm, key, text, encoding);
      },
    };
  }

  function imported(name) {
    if (name !== 'cloudfront') return required(name);
    return { kvs: function () { return { get: get, exists: exists, count: count }; } };
  }

  async function get(name, options) {
    const format = options && options.format !== undefined ? options.format : 'string';
    if (format !== 'string' && format !== 'json') throw new TypeError('format is "' + format + '": here are string and json');
    const value = host.value(String(name));
    if (value === undefined) throw new Error('KeyNotFound');
    return format === 'json' ? parse(value) : value;
  }

  async function exists(name) {
    await count();
    return host.value(String(name)) !== undefined;
  }

  async function count() {
    const values = host.count();
    if (values === undefined) throw new Error('The key value store cannot be read');
    return values;
  }
})
