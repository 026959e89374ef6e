// Lambda's Runtime API, in the place of AWS's client for it (npm aws-lambda-ric), which builds curl with cmake where it is
// installed. This does less than that one does.
import {Agent, request} from 'node:http';
import {handler, start} from './handler.mjs';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new Agent({keepAlive: true});

function ask(method, path, body) {
  const options = {agent, host, port, method, path: `/2018-06-01/runtime/${path}`};
  return new Promise((resolve, reject) => {
    const asked = request(options, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({headers: answer.headers, body: Buffer.concat(parts).toString()}));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const told = (error) => JSON.stringify({errorType: error.name, errorMessage: error.message});

async function main() {
  try {
    await start();
  } catch (error) {
    await ask('POST', 'init/error', told(error));
    throw error;
  }
  for (;;) {
    const {headers, body} = await ask('GET', 'invocation/next');
    const id = headers['lambda-runtime-aws-request-id'];
    const deadline = Number(headers['lambda-runtime-deadline-ms']);
    const context = {
      awsRequestId: id,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
    const said = await handler(JSON.parse(body), context).then(
      (answer) => ['response', JSON.stringify(answer)],
      (error) => ['error', told(error)],
    );
    await ask('POST', `invocation/${id}/${said[0]}`, said[1]);
  }
}

main();
