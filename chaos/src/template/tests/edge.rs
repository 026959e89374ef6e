//! The edge's template: what it means, who is let in by it, and what of such a template is refused.

use super::{assembled, refusal};
use crate::template::{Deployment, Stack};
use std::collections::BTreeMap;
use std::path::Path;

/// Values for the parameters that have no default.
const GIVEN: &[(&str, &str)] = &[
    ("SystemName", "payments"),
    ("HandInAuthorization", "JWT"),
    ("JwtIssuer", "https://issuer.example"),
    ("JwtAudience", "payments"),
];

fn deployment(parameters: &[(&str, &str)]) -> Deployment {
    let given = GIVEN.iter().chain(parameters).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Deployment {
        stack_name: "payments-edge".to_owned(),
        parameters: given.collect(),
        ..Deployment::default()
    }
}

fn shipped_text() -> String {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../edge/template.yaml"));
    std::fs::read_to_string(path).expect("the edge has a template")
}

fn shipped(parameters: &[(&str, &str)]) -> Result<Stack, String> {
    assembled(&[("template.yaml", &shipped_text())], &deployment(parameters))
}

/// What is said of the shipped template, in which one thing is another.
fn changed(this: &str, that: &str) -> String {
    let text = shipped_text();
    assert!(text.contains(this), "{this}");
    let files = [("template.yaml", text.replace(this, that))];
    let files = [(files[0].0, files[0].1.as_str())];
    let said = assembled(&files, &deployment(&[])).expect_err(&format!("{that:?} must be refused"));
    assert!(!said.contains('\n'), "one line, not {said}");
    said
}

/// One line for each change, and what is said of it.
fn table(changes: &[(&str, &str)]) -> String {
    let short = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = |(this, that): &(&str, &str)| {
        format!("{} -> {}\n    {}\n", short(this), short(that), changed(this, that))
    };
    changes.iter().map(line).collect()
}

#[test]
fn the_shipped_edge_means_this() {
    let stack = shipped(&[]).unwrap_or_else(|error| panic!("{error}"));
    let mut distribution = stack.distributions["Distribution"].clone();
    for function in distribution.functions.values_mut() {
        // The code is tested where it is.
        assert!(function.code.starts_with("// The edge's only function."), "{}", function.code);
        function.code.clear();
    }
    insta::assert_debug_snapshot!(distribution);
    insta::assert_debug_snapshot!((&stack.functions, &stack.stores, &stack.buckets, &stack.outputs));
}

#[test]
fn a_signed_hand_in_needs_no_authorizer() {
    let stack = shipped(&[("HandInAuthorization", "IAM"), ("JwtIssuer", ""), ("JwtAudience", "")]);
    let stack = stack.unwrap_or_else(|error| panic!("{error}"));
    let origin = &stack.distributions["Distribution"].origins["hand-in"];
    let said = format!("{:?}", origin.kind);
    assert!(said.contains("authorization: Iam"), "{said}");
}

#[test]
fn a_rule_that_the_parameters_break_says_so() {
    insta::assert_snapshot!(shipped(&[("JwtIssuer", "")]).expect_err("tokens are of nobody"));
    insta::assert_snapshot!(shipped(&[("JwtAudience", "")]).expect_err("tokens are for nobody"));
    insta::assert_snapshot!(shipped(&[("DomainName", "pay.example.com")]).expect_err("no certificate"));
    insta::assert_snapshot!(shipped(&[("OriginShieldRegion", "eu-north-1")]).expect_err("no shield there"));
}

#[test]
fn a_rule_is_read_whether_it_concerns_the_parameters_or_not() {
    let said = |rule: &str| {
        let text = "Parameters:\n  Mode: { Type: String, Default: a }\nRules:\n  One:\n    RULE\nResources:\n  Q:\n    Type: AWS::SQS::Queue\n";
        refusal(&text.replace("RULE", rule))
    };
    insta::assert_snapshot!(said("Assertions: [{ Assert: !Equals [!Ref Mode, b] }]"));
    insta::assert_snapshot!(said("Assertions: [{ Assert: !Equals [!Ref Q, b], AssertDescription: no }]"));
    insta::assert_snapshot!(said(
        "RuleCondition: !Equals [!Ref Mode, b]\n    Assertions: [{ Assert: !Contains [[a], !Ref Mode] }]"
    ));
    insta::assert_snapshot!(said("Assertions: [{ AssertDescription: no }]"));
    insta::assert_snapshot!(said("RuleCondition: !Equals [!Ref Mode, b]"));
    insta::assert_snapshot!(said("Assertion: []"));
}

#[test]
fn what_a_distribution_cannot_do_or_the_world_cannot_honour_is_refused() {
    insta::assert_snapshot!(table(&[
        ("        Enabled: true\n", "        Enabled: false\n"),
        ("WebACLId: !If [HasWebAcl, !Ref WebAclArn, !Ref AWS::NoValue]", "WebACLId: some"),
        ("Aliases: !If [HasDomain, [!Ref DomainName], !Ref AWS::NoValue]", "Aliases: [pay.example.com]"),
        (
            "{ CloudFrontDefaultCertificate: true }",
            "{ AcmCertificateArn: 'arn:aws:acm:eu-central-1:123456789012:certificate/1', SslSupportMethod: sni-only }"
        ),
        ("        Origins:\n", "        OriginGroups: { Quantity: 0 }\n        Origins:\n"),
        ("        IPV6Enabled: true\n", "        DefaultRootObject: index.html\n"),
        ("          - Id: trouble\n", "          - Id: status\n"),
        ("          TargetOriginId: trouble\n", "          TargetOriginId: elsewhere\n"),
        ("PathPattern: /payments\n", "PathPattern: /p/*\n"),
        ("PathPattern: /payments\n", "PathPattern: /pay ments\n"),
        ("ViewerProtocolPolicy: https-only", "ViewerProtocolPolicy: allow-all"),
        ("AllowedMethods: [GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE]", "AllowedMethods: [POST]"),
        (
            "AllowedMethods: [GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE]",
            "AllowedMethods: [GET, GET, HEAD]"
        ),
        (
            "            ViewerProtocolPolicy: https-only",
            "            Compress: true\n            ViewerProtocolPolicy: https-only"
        ),
        ("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6"),
        ("b689b0a8-53d0-40ab-baf2-68738e2966ac", "216adef6-5c7f-47e4-b989-5492eafa07d3"),
        (
            "ResponseHeadersPolicyId: !Ref Headers",
            "ResponseHeadersPolicyId: 67f7725c-6f97-4210-82d7-5512b31e9d03"
        ),
        ("EventType: viewer-response", "EventType: viewer-request"),
        ("EventType: viewer-response", "EventType: origin-response"),
        (
            "EventType: viewer-response, FunctionARN: !GetAtt Router.FunctionARN",
            "EventType: viewer-response, FunctionARN: !Ref Status"
        ),
        ("ErrorCode: 403,", "ErrorCode: 404,"),
        ("ErrorCode: 403,", "ErrorCode: 418,"),
        (
            "ErrorCode: 500, ErrorCachingMinTTL: 1, ResponseCode: 503,",
            "ErrorCode: 500, ErrorCachingMinTTL: 1,"
        ),
        (
            "ErrorCode: 500, ErrorCachingMinTTL: 1, ResponseCode: 503,",
            "ErrorCode: 500, ErrorCachingMinTTL: 1, ResponseCode: 202,"
        ),
        (
            "ErrorCode: 500, ErrorCachingMinTTL: 1, ResponseCode: 503, ResponsePagePath: /trouble.html",
            "ErrorCode: 500, ResponseCode: 503, ResponsePagePath: trouble.html"
        ),
    ]));
}

#[test]
fn an_origin_that_answers_nobody_or_that_nobody_reaches_is_refused() {
    insta::assert_snapshot!(table(&[
        ("            OriginAccessControlId: !Ref StatusAccess\n", ""),
        ("            OriginAccessControlId: !Ref TroubleAccess\n", ""),
        ("OriginAccessControlId: !Ref StatusAccess", "OriginAccessControlId: !Ref TroubleAccess"),
        ("OriginAccessControlId: !Ref StatusAccess", "OriginAccessControlId: !Ref Values"),
        ("            ConnectionTimeout: 3\n", "            OriginAccessControlId: !Ref StatusAccess\n"),
        ("ConnectionTimeout: 3", "ConnectionTimeout: 11"),
        ("            ConnectionTimeout: 3\n", "            ConnectionAttempts: 4\n"),
        ("OriginReadTimeout: 10", "OriginReadTimeout: 121"),
        ("OriginReadTimeout: 10", "ResponseCompletionTimeout: 10"),
        ("            ConnectionTimeout: 3\n", "            OriginPath: /v1\n"),
        ("            ConnectionTimeout: 3\n", "            OriginCustomHeaders: []\n"),
        ("S3OriginConfig: {}", "CustomOriginConfig: { OriginProtocolPolicy: https-only }"),
        ("            S3OriginConfig: {}\n", ""),
        ("OriginProtocolPolicy: https-only", "OriginProtocolPolicy: match-viewer"),
        ("DomainName: !GetAtt Trouble.RegionalDomainName", "DomainName: !GetAtt Trouble.DomainName"),
        ("DomainName: !GetAtt Trouble.RegionalDomainName", "DomainName: example.com"),
        ("SigningBehavior: always", "SigningBehavior: no-override"),
        ("OriginAccessControlOriginType: lambda", "OriginAccessControlOriginType: mediastore"),
        ("AuthType: AWS_IAM # CloudFront", "AuthType: NONE # CloudFront"),
        ("AuthType: AWS_IAM # CloudFront", "InvokeMode: RESPONSE_STREAM, AuthType: AWS_IAM # CloudFront"),
        ("AuthType: AWS_IAM # CloudFront", "AuthType: AWS_IAM\n      AutoPublishAlias: live # CloudFront"),
    ]));
}

#[test]
fn a_policy_that_tells_more_apart_than_the_path_is_refused() {
    insta::assert_snapshot!(table(&[
        ("QueryStringBehavior: none", "QueryStringBehavior: all"),
        ("CookieBehavior: none", "CookieBehavior: whitelist, Cookies: [a]"),
        ("HeaderBehavior: none", "HeaderBehavior: whitelist, Headers: [accept]"),
        ("EnableAcceptEncodingGzip: false", "EnableAcceptEncodingGzip: true"),
        ("        MaxTTL: 86400\n", ""),
        ("        MinTTL: 0\n        DefaultTTL: 0\n", "        MinTTL: 2\n        DefaultTTL: 1\n"),
        (
            "Header: X-Robots-Tag, Value: noindex, Override: true",
            "Header: X-Robots-Tag, Value: noindex, Override: false"
        ),
        ("Header: X-Robots-Tag,", "Header: cache-control,"),
        ("Header: X-Robots-Tag,", "Header: Referrer-Policy,"),
        ("Header: X-Robots-Tag,", "Header: 'X Robots',"),
        ("{ Header: apigw-requestid }", "{ Header: X-AMZN-TRACE-ID }"),
        ("{ Header: apigw-requestid }", "{ Header: X-Amzn-RequestId }"),
        ("{ Header: apigw-requestid }", "{ Header: X-Edge-Location }"),
        ("ReferrerPolicy: no-referrer,", "ReferrerPolicy: never,"),
        ("FrameOption: DENY", "FrameOption: ALLOW"),
        (
            "          ContentTypeOptions: { Override: true }\n",
            "          XSSProtection: { Override: true }\n"
        ),
        ("        RemoveHeadersConfig: #", "        CorsConfig: {}\n        RemoveHeadersConfig: #"),
    ]));
}

#[test]
fn a_function_or_a_store_that_cloudfront_does_not_take_is_refused() {
    insta::assert_snapshot!(table(&[
        ("AutoPublish: true", "AutoPublish: false"),
        ("Runtime: cloudfront-js-2.0", "Runtime: cloudfront-js-1.0"),
        (
            "          - KeyValueStoreARN: !GetAtt Values.Arn\n",
            "          - KeyValueStoreARN: !GetAtt Values.Arn\n          - KeyValueStoreARN: !GetAtt Values.Arn\n"
        ),
        ("KeyValueStoreARN: !GetAtt Values.Arn", "KeyValueStoreARN: !Ref Values"),
        ("Name: !Sub \"${AWS::StackName}-router\"", "Name: router.js"),
        (
            "Name: !Sub \"${AWS::StackName}-values\"",
            "Name: !Sub \"${AWS::StackName}-values\"\n      ImportSource: { SourceType: S3, SourceArn: 'arn:aws:s3:::a/b' }"
        ),
    ]));
    // How long it is with that depends on the router.
    let long = changed("FunctionCode: |\n", &format!("FunctionCode: |\n        {}\n", "/".repeat(10_241)));
    assert!(
        long.contains("Router.FunctionCode is ") && long.ends_with("bytes long; accepted: at most 10240"),
        "{long}"
    );
}

#[test]
fn an_api_that_lets_everybody_in_or_leads_nowhere_is_refused() {
    insta::assert_snapshot!(table(&[
        ("ProtocolType: HTTP", "ProtocolType: WEBSOCKET"),
        ("      ProtocolType: HTTP\n", "      ProtocolType: HTTP\n      CorsConfiguration: {}\n"),
        ("StageName: $default", "StageName: live"),
        ("AutoDeploy: true", "AutoDeploy: false"),
        (
            "  HandInStage:\n    Type: AWS::ApiGatewayV2::Stage\n    Properties:\n      ApiId: !Ref HandIn\n",
            "  HandInStage:\n    Type: AWS::ApiGatewayV2::Stage\n    Properties:\n      ApiId: other\n"
        ),
        ("ThrottlingRateLimit: !Ref HandInsPerSecond", "ThrottlingRateLimit: 10001"),
        ("RouteKey: POST /payments", "RouteKey: $default"),
        ("RouteKey: POST /payments", "RouteKey: POST /payments/{id}"),
        ("RouteKey: POST /payments", "RouteKey: SEND /payments"),
        ("Target: !Sub \"integrations/${IntoTheQueue}\"", "Target: !Ref IntoTheQueue"),
        ("AuthorizationType: !If [ByJwt, JWT, AWS_IAM]", "AuthorizationType: NONE"),
        ("AuthorizationType: !If [ByJwt, JWT, AWS_IAM]", "AuthorizationType: AWS_IAM"),
        ("      AuthorizerId: !If [ByJwt, !Ref Tokens, !Ref AWS::NoValue]\n", ""),
        ("AuthorizerId: !If [ByJwt, !Ref Tokens, !Ref AWS::NoValue]", "AuthorizerId: !Ref IntoTheQueue"),
        ("AuthorizerType: JWT", "AuthorizerType: REQUEST"),
        ("IdentitySource: [$request.header.Authorization]", "IdentitySource: [$request.querystring.token]"),
        ("Audience: [!Ref JwtAudience]", "Audience: []"),
        ("Issuer: !Ref JwtIssuer", "Issuer: issuer.example"),
        ("IntegrationSubtype: SQS-SendMessage", "IntegrationSubtype: EventBridge-PutEvents"),
        ("PayloadFormatVersion: \"1.0\"", "PayloadFormatVersion: \"2.0\""),
        ("CredentialsArn: !GetAtt HandInRole.Arn", "CredentialsArn: !Ref HandInRole"),
        ("MessageBody: $request.body", "MessageBody: $request.path"),
        (
            "        MessageBody: $request.body\n",
            "        MessageBody: $request.body\n        MessageGroupId: one\n"
        ),
        ("QueueUrl: !Sub \"https://sqs.${AWS::Region}", "QueueUrl: !Sub \"https://sqs.us-east-1"),
    ]));
}

#[test]
fn a_permission_or_a_bucket_that_aws_does_not_take_is_refused() {
    insta::assert_snapshot!(table(&[
        (
            "      Action: lambda:InvokeFunctionUrl\n      FunctionUrlAuthType: AWS_IAM\n",
            "      Action: lambda:InvokeFunction\n      FunctionUrlAuthType: AWS_IAM\n"
        ),
        ("      Action: lambda:InvokeFunction\n", "      Action: lambda:InvokeFunctionUrl\n"),
        ("FunctionUrlAuthType: AWS_IAM", "FunctionUrlAuthType: NONE"),
        ("Principal: cloudfront.amazonaws.com\n", "Principal: \"*\"\n"),
        ("      FunctionName: !Ref Status\n", "      FunctionName: !Ref Values\n"),
        ("Action: lambda:InvokeFunctionUrl\n", "Action: lambda:GetFunction\n"),
        (
            "            Principal: { Service: cloudfront.amazonaws.com }\n            Action: s3:GetObject\n            Resource: !Sub \"${Trouble.Arn}/*\"\n            Condition:\n              StringEquals: { aws:SourceArn: !Sub \"arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}\" }\n",
            "            Principal: \"*\"\n            Action: s3:GetObject\n            Resource: !Sub \"${Trouble.Arn}/*\"\n"
        ),
        ("        BlockPublicPolicy: true\n", "        BlockPublicPolicy: false\n"),
        ("SSEAlgorithm: AES256", "SSEAlgorithm: aws:kms"),
        ("      Bucket: !Ref Trouble\n", "      Bucket: elsewhere\n"),
        ("Action: dynamodb:GetItem\n", "Action: [dynamodb:GetItem, dynamodb:Query]\n"),
        ("Bool: { aws:SecureTransport: \"false\" }", "Bool: { aws:SecureTransport: never }"),
    ]));
}

#[test]
fn a_url_is_there_where_its_function_is() {
    let text = "Conditions:\n  Never: !Equals [a, b]\nResources:\n  Work:\n    Type: AWS::Serverless::Function\n    Condition: Never\n    Properties: { FunctionUrlConfig: { AuthType: AWS_IAM } }\nOutputs:\n  It: { Value: !GetAtt WorkUrl.FunctionUrl }\n";
    insta::assert_snapshot!(refusal(text));
    let there = text.replace("[a, b]", "[a, a]");
    let stack = assembled(&[("template.yaml", &there)], &Deployment::default()).expect("it is there");
    assert!(stack.functions["Work"].has_url);
    let names: BTreeMap<_, _> = stack.outputs;
    assert!(names["It"].starts_with("https://") && names["It"].ends_with(".lambda-url.eu-central-1.on.aws/"));
}
