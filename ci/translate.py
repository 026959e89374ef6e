"""Prints what CloudFormation makes of a SAM template.

SAM adds resources and references of its own, and a cycle through one of them shows only in the result.
Needs AWS_DEFAULT_REGION, and no credentials.
"""

import sys

from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse


class NoManagedPolicies:
    """Every role here is written out, so that translating needs no account to ask for AWS's policies."""

    def load(self):
        return {}


[template] = sys.argv[1:]
with open(template, encoding="utf-8") as file:
    parsed = yaml_parse(file.read())
print(SamTemplateValidator(parsed, NoManagedPolicies()).get_translated_template_if_valid())
