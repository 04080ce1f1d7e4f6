// The same application as benchmarks/synth.py writes for Klotho, in AWS CDK with its higher-level constructs:
// one VPC, one Postgres, N functions each with a table and a route, N/5 Fargate services that use the database.
const cdk = require("aws-cdk-lib");
const { aws_ec2: ec2, aws_rds: rds, aws_lambda: lambda, aws_dynamodb: dynamodb, aws_ecs: ecs } = cdk;
const { aws_apigatewayv2: apigw, aws_apigatewayv2_integrations: integrations, aws_logs: logs } = cdk;

const count = Number(process.env.N);
const perStack = 20; // CloudFormation takes 500 resources a stack
const app = new cdk.App({ analyticsReporting: false });

const shared = new cdk.Stack(app, "shared");
const vpc = new ec2.Vpc(shared, "vpc", { maxAzs: 2, natGateways: 1 });
const cluster = new ecs.Cluster(shared, "cluster", { vpc, containerInsightsV2: ecs.ContainerInsights.ENABLED });
const database = new rds.DatabaseInstance(shared, "db", {
  vpc, engine: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_16 }),
  storageEncrypted: true, credentials: rds.Credentials.fromGeneratedSecret("klotho"),
});
const api = new apigw.HttpApi(shared, "api");

for (let first = 0; first < count; first += perStack) {
  const stack = new cdk.Stack(app, `services${first / perStack}`);
  for (let i = first; i < Math.min(first + perStack, count); i++) {
    const table = new dynamodb.Table(stack, `table${i}`, {
      partitionKey: { name: "id", type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    });
    const fn = new lambda.Function(stack, `work${i}`, {
      runtime: lambda.Runtime.PYTHON_3_12, handler: "work.handler", architecture: lambda.Architecture.ARM_64,
      code: lambda.Code.fromAsset(process.env.CODE), memorySize: 512, timeout: cdk.Duration.seconds(30),
      logGroup: new logs.LogGroup(stack, `logs${i}`, { retention: logs.RetentionDays.ONE_MONTH }),
      environment: { TABLE: table.tableName },
    });
    table.grantReadWriteData(fn);
    const integration = new integrations.HttpLambdaIntegration(`integration${i}`, fn);
    for (const path of [`/work${i}`, `/work${i}/{proxy+}`]) {
      new apigw.HttpRoute(stack, `route${i}${path}`, {
        httpApi: api, integration, routeKey: apigw.HttpRouteKey.with(path, apigw.HttpMethod.ANY),
      });
    }
    if (i % 5 === 0) {
      const task = new ecs.FargateTaskDefinition(stack, `task${i}`, { cpu: 256, memoryLimitMiB: 512 });
      task.addContainer("main", {
        image: ecs.ContainerImage.fromRegistry("nginx"), portMappings: [{ containerPort: 8080 }],
        logging: ecs.LogDrivers.awsLogs({ streamPrefix: "web", logRetention: logs.RetentionDays.ONE_MONTH }),
        secrets: { DATABASE: ecs.Secret.fromSecretsManager(database.secret) },
      });
      const service = new ecs.FargateService(stack, `service${i}`, {
        cluster, taskDefinition: task, circuitBreaker: { rollback: true }, minHealthyPercent: 100,
      });
      new ec2.CfnSecurityGroupIngress(stack, `ingress${i}`, {
        groupId: database.connections.securityGroups[0].securityGroupId, ipProtocol: "tcp", fromPort: 5432, toPort: 5432,
        sourceSecurityGroupId: service.connections.securityGroups[0].securityGroupId,
      });
    }
  }
}
app.synth();
