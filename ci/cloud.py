"""Runs ministack, with the gaps closed that would end a rehearsal of this stack.

Reaches into ministack's own modules, and so goes with the version in ministack.txt.
"""

import json
import re
from functools import partial

from ministack.app import main
from ministack.core import iam_actions
from ministack.services import dynamodb, eventbridge, lambda_svc, sqs
from ministack.services.cloudformation import provisioners
from samtranslator.translator import transform as sam

# Like AWS, ministack takes no events of a source aws.* from PutEvents; unlike AWS, its CloudWatch sends none when an
# alarm changes. Here PutEvents may speak for CloudWatch, so that an event meets the rule as it is deployed.
eventbridge._put_events = partial(eventbridge._put_events, allow_aws_source=True)

# Its SAM is not told what parameters were given and takes their defaults. One decides what there is: it knows no CodeDeploy,
# and refuses a template that asks for it.
translate = sam.transform
sam.transform = lambda template, _, policies: translate(template, {"GradualRollout": "false"}, policies)

# Its CloudFormation refuses alarms on metric math. Here they are created all the same and look at nothing.
create_alarm = provisioners._cw_metric_alarm_record


def create_any_alarm(name, properties):
    if "Metrics" in properties:
        properties = {**properties, "Metrics": None, "Namespace": "metric math", "MetricName": name}
    return create_alarm(name, properties)


provisioners._cw_metric_alarm_record = create_any_alarm

# Its CloudFormation makes a table over one that has its name, and its Systems Manager keeps a parameter's pattern without
# looking at it. AWS refuses both, and so does this: a deployment must be able to fail.
handlers = provisioners._RESOURCE_HANDLERS
create_table = handlers["AWS::DynamoDB::Table"]["create"]
create_parameter = handlers["AWS::SSM::Parameter"]["create"]


def create_new_table(logical_id, properties, stack):
    if properties["TableName"] in dynamodb._tables:
        raise ValueError(f"Table already exists: {properties['TableName']}")
    return create_table(logical_id, properties, stack)


def create_matching_parameter(logical_id, properties, stack):
    if not re.fullmatch(properties["AllowedPattern"], properties["Value"]):
        raise ValueError(f"Parameter value, cannot be validated against allowedPattern: {properties['AllowedPattern']}")
    return create_parameter(logical_id, properties, stack)


handlers["AWS::DynamoDB::Table"]["create"] = create_new_table
handlers["AWS::SSM::Parameter"]["create"] = create_matching_parameter

# Its CloudFormation knows no saved queries. Here they are created and asked by nobody.
handlers["AWS::Logs::QueryDefinition"] = {
    "create": lambda logical_id, properties, stack: (logical_id, {"QueryDefinitionId": logical_id}),
    "delete": lambda physical_id, properties: None,
}

# Nor the delivery of logs, nor CloudFront's additional metrics, which edge/watch.yaml asks for. They deliver and measure nothing.
for kind in ["Logs::DeliverySource", "Logs::DeliveryDestination", "Logs::Delivery", "CloudFront::MonitoringSubscription"]:
    handlers[f"AWS::{kind}"] = {
        "create": lambda logical_id, properties, stack: (logical_id, {"Arn": f"arn:aws:logs:us-east-1:000000000000:{logical_id}"}),
        "delete": lambda physical_id, properties: None,
    }

# It knows no message move tasks, nor that permission for one is given on the queue it moves from. The responder asks
# for the newest on every turn: there never was one.
sqs._HANDLERS["ListMessageMoveTasks"] = lambda data, url: {"Results": []}
name_resource = iam_actions.extract_resource_arn


def name_any_resource(service, method, path, headers, body, *rest):
    if service == "sqs" and headers.get("x-amz-target") == "AmazonSQS.ListMessageMoveTasks":
        return json.loads(body)["SourceArn"]
    return name_resource(service, method, path, headers, body, *rest)


iam_actions.extract_resource_arn = name_any_resource

# It keeps a function's LoggingConfig, and does not tell the function of it as Lambda does: nobody would write JSON.
make_env = lambda_svc._provided_worker_env


def make_telling_env(config, code_dir, port):
    log_format = (config.get("LoggingConfig") or {}).get("LogFormat", "Text")
    return {**make_env(config, code_dir, port), "AWS_LAMBDA_LOG_FORMAT": log_format}


lambda_svc._provided_worker_env = make_telling_env

# It wants permissions for SQS's batch calls that IAM does not know: sqs:SendMessage covers SendMessageBatch, and so on.
name_action = iam_actions.extract_iam_action


def name_permission(service, *request):
    action = name_action(service, *request)
    return action.removesuffix("Batch") if service == "sqs" and action else action


iam_actions.extract_iam_action = name_permission

main()
