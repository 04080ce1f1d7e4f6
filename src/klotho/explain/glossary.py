"""AWS's resource types in words that need no knowledge of AWS: what one is, to be read after "is"."""

from __future__ import annotations

TYPES = {
    "AWS::ApiGatewayV2::Api": "the front door of an API: requests from the internet arrive here",
    "AWS::ApiGatewayV2::ApiMapping": "what joins a name of your own with an API",
    "AWS::ApiGatewayV2::Authorizer": "the check of who calls, made before your code is asked",
    "AWS::ApiGatewayV2::DomainName": "a name of your own for an API",
    "AWS::ApiGatewayV2::Integration": "where an API sends the requests of some routes",
    "AWS::ApiGatewayV2::Route": "a path of an API, such as `GET /users`, and where it leads",
    "AWS::ApiGatewayV2::Stage": "the published version of an API, which can be called",
    "AWS::ApiGatewayV2::VpcLink": "the way from an API on the internet into your private network",
    "AWS::ApplicationAutoScaling::ScalableTarget": "how few and how many copies of something may run",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "when there are to be more copies of something, or fewer",
    "AWS::CertificateManager::Certificate": "the certificate behind `https://`",
    "AWS::CloudFormation::CustomResource": "what a function of Klotho's makes, because AWS has no resource for it",
    "AWS::CloudFront::CachePolicy": "what a CDN keeps, and for how long",
    "AWS::CloudFront::Distribution": "a CDN: copies of your files all over the world, close to who reads them",
    "AWS::CloudFront::Function": "a few lines of code that a CDN runs for every request",
    "AWS::CloudFront::OriginAccessControl": "what lets a CDN, and nobody else, read the files behind it",
    "AWS::CloudFront::ResponseHeadersPolicy": "the headers that a CDN adds to answers",
    "AWS::CloudWatch::Alarm": "a watch on one number, which tells somebody when it is bad",
    "AWS::Cognito::UserPool": "a directory of your users, with their passwords",
    "AWS::Cognito::UserPoolClient": "your application, as the directory of users knows it",
    "AWS::Cognito::UserPoolGroup": "a group of users",
    "AWS::DynamoDB::Table": "a table of items that are found by a key",
    "AWS::EC2::EIP": "a fixed address on the internet",
    "AWS::EC2::InternetGateway": "the door between a network and the internet",
    "AWS::EC2::NatGateway": "a way out to the internet for what nobody from there can reach",
    "AWS::EC2::Route": "a signpost in a network: which addresses are reached through what",
    "AWS::EC2::RouteTable": "the signposts of a part of a network",
    "AWS::EC2::SecurityGroup": "a firewall around something in a network: nobody comes in until a rule says so",
    "AWS::EC2::SecurityGroupEgress": "a rule of a firewall: who may be called from inside",
    "AWS::EC2::SecurityGroupIngress": "a rule of a firewall: who may come in, on which port",
    "AWS::EC2::Subnet": "a part of a network, in one data centre",
    "AWS::EC2::SubnetRouteTableAssociation": "which signposts a part of a network follows",
    "AWS::EC2::VPC": "a private network, which belongs to you alone",
    "AWS::EC2::VPCEndpoint": "a direct way from a network to one of AWS's services, not through the internet",
    "AWS::EC2::VPCGatewayAttachment": "what joins a network with its door to the internet",
    "AWS::ECR::Repository": "where images of containers are kept",
    "AWS::ECS::Cluster": "the place where containers run",
    "AWS::ECS::ClusterCapacityProviderAssociations": "on which machines a cluster runs containers",
    "AWS::ECS::Service": "what keeps copies of a container running, and replaces those that fail",
    "AWS::ECS::TaskDefinition": "how a container is started: its image, size, environment and role",
    "AWS::ElastiCache::ReplicationGroup": "a cache in memory (Redis or Valkey)",
    "AWS::ElastiCache::SubnetGroup": "the parts of a network that a cache may live in",
    "AWS::ElastiCache::User": "a login to a cache",
    "AWS::ElastiCache::UserGroup": "who may log in to a cache",
    "AWS::ElasticLoadBalancingV2::Listener": "the port on which a load balancer listens",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "which requests a load balancer sends where",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "a load balancer: it takes requests and shares them out",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "whom a load balancer may send requests to, and who of them is well",
    "AWS::Events::EventBus": "where events are published",
    "AWS::Events::Rule": "what happens when an event of some kind is seen",
    "AWS::IAM::ManagedPolicy": "a list of permissions that several roles can have",
    "AWS::IAM::OIDCProvider": "what lets another service's logins, such as GitHub's, count here",
    "AWS::IAM::Role": "an identity that code runs under: what it may do on AWS is what its role may do",
    "AWS::IAM::RolePolicy": "a list of permissions of one role: what code that runs under it may do, with what",
    "AWS::KMS::Key": "a key that data is encrypted with",
    "AWS::Lambda::EventSourceMapping": "what takes messages or changes from a source and calls a function with them",
    "AWS::Lambda::Function": "code that runs when it is called, and costs nothing in between",
    "AWS::Lambda::LayerVersion": "packages that functions share, uploaded once",
    "AWS::Lambda::Url": "an address of its own on the internet for one function",
    "AWS::Lambda::Permission": "the permission to call a function: who else on AWS may",
    "AWS::Logs::LogGroup": "where the lines are kept that something logs",
    "AWS::RDS::DBInstance": "a database server that AWS looks after",
    "AWS::RDS::DBParameterGroup": "settings of a database server",
    "AWS::RDS::DBSubnetGroup": "the parts of a network that a database server may live in",
    "AWS::Route53::RecordSet": "an entry of the DNS: to which address a name leads",
    "AWS::S3::Bucket": "a store of files",
    "AWS::S3::BucketPolicy": "who may do what with the files of a store",
    "AWS::SNS::Subscription": "who is told of what a topic is sent",
    "AWS::SNS::Topic": "a place to publish messages, of which every subscriber gets a copy",
    "AWS::SQS::Queue": "a queue: messages wait here until somebody works on them",
    "AWS::SQS::QueueInlinePolicy": "who may do what with a queue",
    "AWS::SQS::QueuePolicy": "who may do what with a queue",
    "AWS::SSM::Parameter": "a named value that code can read",
    "AWS::Scheduler::Schedule": "a clock that starts something at fixed times",
    "AWS::SecretsManager::Secret": "a value that only those may read who were given it: a password, a key",
    "AWS::ServiceDiscovery::HttpNamespace": "a phone book in which services find each other",
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "a phone book in which services of a network find each other",
    "AWS::ServiceDiscovery::Service": "an entry in the phone book: where the copies of a service are",
    "Custom::SqlRole": "a login in a SQL database that may do what its user needs and nothing more",
}

PERMISSIONS = {
    "AWS::IAM::Role",
    "AWS::IAM::RolePolicy",
    "AWS::IAM::ManagedPolicy",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SQS::QueueInlinePolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SNS::TopicInlinePolicy",
    "AWS::Lambda::Permission",
}
"""Types that say who may do what."""


def in_words(type_name: str) -> str:
    """Of a type nobody has described, that it is one."""
    if type_name in TYPES:
        return TYPES[type_name]
    article = "an" if type_name[:1] in "AEIO" else "a"
    return f"{article} {type_name}" if not type_name.startswith("Custom::") else TYPES[_CUSTOM]


_CUSTOM = "AWS::CloudFormation::CustomResource"
