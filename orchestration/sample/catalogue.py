"""What the sample organisation buys: services, their usage types and list prices.

Prices are near the public ones so that quantities look right; they are not a price list.
"""

from dataclasses import dataclass

from .calendar import BATCH, FLAT, OFFICE, RETAIL


@dataclass(frozen=True)
class Sku:
    """A priced usage type. `price` is per `unit`; `hourly` marks instances, which run for no more hours than there are.

    `resource` is the pattern of resource ids: {id}, {short}, {name}, {region}, {account} and {group} are filled in.
    """

    code: str
    name: str
    category: str
    subcategory: str
    family: str
    usage_type: str
    operation: str
    unit: str
    price: float
    resource: str = ""
    resource_type: str = ""
    instance_type: str | None = None

    @property
    def hourly(self) -> bool:
        """Whether this is an instance, priced by the hour."""
        return self.instance_type is not None

    @property
    def sku_id(self) -> str:
        """An id that looks like a provider's."""
        letters = "".join(letter for letter in self.usage_type.upper() if letter.isalnum())
        return f"{self.code[-3:].upper()}{letters[-13:]}"


@dataclass(frozen=True)
class Service:
    """Alternative SKUs that one share of an account's spend goes to.

    `weekly` is the weekly shape of their use, `noise` how much it scatters, `lines` weighs how many resources there
    are, `plan_eligible` marks what savings plans cover.
    """

    skus: tuple[Sku, ...]
    weekly: int
    noise: float
    lines: int
    plan_eligible: bool = False


_AWS_NAMES = {
    "AmazonEC2": "Amazon Elastic Compute Cloud",
    "AmazonRDS": "Amazon Relational Database Service",
    "AmazonS3": "Amazon Simple Storage Service",
    "AWSLambda": "AWS Lambda",
    "AmazonCloudWatch": "AmazonCloudWatch",
    "AWSDataTransfer": "AWS Data Transfer",
    "AmazonEKS": "Amazon Elastic Container Service for Kubernetes",
    "AmazonDynamoDB": "Amazon DynamoDB",
    "AmazonBedrock": "Amazon Bedrock",
    "AmazonES": "Amazon OpenSearch Service",
    "AmazonVPC": "Amazon Virtual Private Cloud",
    "AWSELB": "Elastic Load Balancing",
    "AWSSupportBusiness": "AWS Support (Business)",
    "3kq8n5w0v2xhr7d1yjp4tzcf6": "Lumenwatch Observability Platform",
}
_AWS_RESOURCES = {
    "Instance": "i-{id}",
    "Volume": "vol-{id}",
    "Snapshot": "arn:aws:ec2:{region}:{account}:snapshot/snap-{id}",
    "NAT Gateway": "arn:aws:ec2:{region}:{account}:natgateway/nat-{id}",
    "DB Instance": "arn:aws:rds:{region}:{account}:db:{name}",
    "Bucket": "halden-{name}",
    "Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "Log Group": "arn:aws:logs:{region}:{account}:log-group:/{name}",
    "Metric": "arn:aws:cloudwatch:{region}:{account}:metric/{name}",
    "Cluster": "arn:aws:eks:{region}:{account}:cluster/{name}",
    "Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "Inference Profile": "arn:aws:bedrock:{region}:{account}:application-inference-profile/{short}",
    "Collection": "arn:aws:aoss:{region}:{account}:collection/{name}",
    "IP Address": "arn:aws:ec2:{region}:{account}:elastic-ip/eipalloc-{id}",
    "Load Balancer": "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{short}",
}
# code, category, subcategory, product family, usage type, operation, unit, price, resource type
_AWS_SKUS = {
    "ebs": """
AmazonEC2|Storage|Block Storage|Storage|EBS:VolumeUsage.gp3|CreateVolume-Gp3|GB-Mo|0.08|Volume
AmazonEC2|Storage|Backup Storage|Storage Snapshot|EBS:SnapshotUsage|CreateSnapshot|GB-Mo|0.05|Snapshot""",
    "nat": """
AmazonEC2|Networking|Network Infrastructure|NAT Gateway|NatGateway-Bytes|NatGateway|GB|0.045|NAT Gateway
AmazonEC2|Networking|Network Infrastructure|NAT Gateway|NatGateway-Hours|NatGateway|Hrs|0.045|NAT Gateway""",
    "transfer": """
AWSDataTransfer|Networking|Content Delivery|Data Transfer|DataTransfer-Out-Bytes|RunInstances|GB|0.09|Instance
AWSDataTransfer|Networking|Network Infrastructure|Transfer|DataTransfer-Regional-Bytes|Zone-Out|GB|0.01|Instance""",
    "s3": """
AmazonS3|Storage|Object Storage|Storage|TimedStorage-ByteHrs|StandardStorage|GB-Mo|0.023|Bucket
AmazonS3|Storage|Object Storage|API Request|Requests-Tier1|PutObject|Requests|0.000005|Bucket""",
    "lambda": """
AWSLambda|Compute|Serverless Compute|Serverless|Lambda-GB-Second|Invoke|Lambda-GB-Second|0.0000166667|Function""",
    "cloudwatch": """
AmazonCloudWatch|Management and Governance|Observability|Payload|DataProcessing-Bytes|PutLogEvents|GB|0.5|Log Group
AmazonCloudWatch|Management and Governance|Observability|Metric|CW:MetricUsage|MetricStorage|Metrics|0.3|Metric""",
    "eks": """
AmazonEKS|Compute|Containers|Compute|AmazonEKS-Hours:perCluster|CreateOperation|Hrs|0.10|Cluster""",
    "dynamodb": """
AmazonDynamoDB|Databases|NoSQL Databases|PayPerRequest|WriteRequestUnits|PayPerRequest|WRU|0.00000125|Table""",
    "bedrock": """
AmazonBedrock|AI and Machine Learning|Generative AI|Models|NovaPro-input|Invoke|1M tokens|0.8|Inference Profile
AmazonBedrock|AI and Machine Learning|Generative AI|Models|NovaPro-output|Invoke|1M tokens|3.2|Inference Profile
AmazonBedrock|AI and Machine Learning|Generative AI|Models|NovaLite-input|Invoke|1M tokens|0.06|Inference Profile""",
    "opensearch": """
AmazonES|Analytics|Search|OpenSearch Serverless|IndexingOCU|ESDomain|OCU-hours|0.24|Collection""",
}
_EC2_PRICES = {
    "t3.small": 0.0208,
    "t3.large": 0.0832,
    "m5.large": 0.096,
    "m5.xlarge": 0.192,
    "m5.2xlarge": 0.384,
    "m5.4xlarge": 0.768,
    "m5.8xlarge": 1.536,
    "m5.12xlarge": 2.304,
    "m5.24xlarge": 4.608,
    "g5.12xlarge": 5.672,
    "g5.48xlarge": 16.288,
}
_RDS_PRICES = {
    "db.t4g.medium": 0.065,
    "db.r6g.large": 0.225,
    "db.r6g.xlarge": 0.45,
    "db.r6g.2xlarge": 0.9,
    "db.r6g.4xlarge": 1.8,
    "db.r6g.8xlarge": 3.6,
    "db.r6g.16xlarge": 7.2,
}
# size to price; meters of Azure carry the size in their name.
_VM_PRICES = {
    "B2s": 0.042,
    "D2s v5": 0.099,
    "D4s v5": 0.198,
    "D8s v5": 0.396,
    "D16s v5": 0.792,
    "E32s v5": 2.08,
    "E64s v5": 4.16,
}
# service name, category, subcategory, meter, unit, price, provider, resource type
_AZURE_SKUS = {
    "storage": "Storage Accounts|Storage|Object Storage|Hot LRS Data Stored|1 GB/Month|0.0177|"
    "microsoft.storage/storageaccounts|Storage account",
    "sql": "Azure SQL Database|Databases|Relational Databases|vCore|1 Hour|0.457|"
    "microsoft.sql/servers/databases|SQL database",
    "logs": "Azure Monitor|Management and Governance|Observability|Analytics Logs Data Ingestion|1 GB|2.57|"
    "microsoft.operationalinsights/workspaces|Log Analytics workspace",
    "openai": "Azure OpenAI|AI and Machine Learning|Generative AI|gpt 4o Input global Tokens|1K|0.0023|"
    "microsoft.cognitiveservices/accounts|Azure OpenAI",
    "bandwidth": "Bandwidth|Networking|Content Delivery|Standard Data Transfer Out|1 GB|0.075|"
    "microsoft.network/publicipaddresses|Public IP address",
}


def _aws(row: str) -> Sku:
    code, category, subcategory, family, usage_type, operation, unit, price, kind = row.split("|")
    pattern = _AWS_RESOURCES.get(kind, "")
    name = _AWS_NAMES[code]
    return Sku(code, name, category, subcategory, family, usage_type, operation, unit, float(price), pattern, kind)


def _instance(code: str, size: str, price: float) -> Sku:
    if code == "AmazonEC2":
        kinds = ("Compute", "Virtual Machines", "Compute Instance", f"BoxUsage:{size}", "RunInstances", "Hrs")
        return Sku(code, _AWS_NAMES[code], *kinds, price, _AWS_RESOURCES["Instance"], "Instance", size)
    kinds = (
        "Databases",
        "Relational Databases",
        "Database Instance",
        f"InstanceUsage:{size}",
        "CreateDBInstance:0021",
        "Hrs",
    )
    return Sku(code, _AWS_NAMES[code], *kinds, price, _AWS_RESOURCES["DB Instance"], "DB Instance", size)


def _azure(row: str, size: str | None = None) -> Sku:
    name, category, subcategory, meter, unit, price, provider, kind = row.split("|")
    pattern = f"/subscriptions/{{account}}/resourcegroups/rg-{{group}}/providers/{provider}/{{name}}"
    return Sku(provider, name, category, subcategory, name, meter, meter, unit, float(price), pattern, kind, size)


def _vm(size: str, price: float) -> Sku:
    kinds = f"Virtual Machines|Compute|Virtual Machines|{size} - EU West|1 Hour|{price}"
    return _azure(f"{kinds}|microsoft.compute/virtualmachines|Virtual machine", size)


def _shaped(key: str, weekly: int, noise: float, lines: int) -> Service:
    return Service(tuple(_aws(row) for row in _AWS_SKUS[key].split("\n")[1:]), weekly, noise, lines)


AWS: dict[str, Service] = {
    "ec2": Service(
        tuple(_instance("AmazonEC2", *size) for size in _EC2_PRICES.items()), OFFICE, 0.05, 14, plan_eligible=True
    ),
    "rds": Service(tuple(_instance("AmazonRDS", *size) for size in _RDS_PRICES.items()), FLAT, 0.03, 4),
    "ebs": _shaped("ebs", FLAT, 0.01, 8),
    "nat": _shaped("nat", RETAIL, 0.08, 3),
    "transfer": _shaped("transfer", RETAIL, 0.10, 4),
    "s3": _shaped("s3", FLAT, 0.02, 5),
    "lambda": _shaped("lambda", RETAIL, 0.12, 4),
    "cloudwatch": _shaped("cloudwatch", OFFICE, 0.06, 4),
    "eks": _shaped("eks", FLAT, 0.0, 1),
    "dynamodb": _shaped("dynamodb", RETAIL, 0.08, 3),
    "bedrock": _shaped("bedrock", OFFICE, 0.15, 5),
    "opensearch": _shaped("opensearch", FLAT, 0.04, 1),
}
AZURE: dict[str, Service] = {
    "vm": Service(tuple(_vm(*size) for size in _VM_PRICES.items()), OFFICE, 0.05, 10, plan_eligible=True),
    "storage": Service((_azure(_AZURE_SKUS["storage"]),), FLAT, 0.02, 6),
    "sql": Service((_azure(_AZURE_SKUS["sql"]),), BATCH, 0.05, 3),
    "logs": Service((_azure(_AZURE_SKUS["logs"]),), OFFICE, 0.10, 3),
    "openai": Service((_azure(_AZURE_SKUS["openai"]),), OFFICE, 0.15, 2),
    "bandwidth": Service((_azure(_AZURE_SKUS["bandwidth"]),), RETAIL, 0.09, 2),
}
SUPPORT = _aws("AWSSupportBusiness|Management and Governance|Support|Support|Dollar|Support|Dollar|1|")
# What is seldom looked at, and therefore seldom cleaned up.
FORGOTTEN = {
    key: _aws(row)
    for key, row in {
        "gp2": "AmazonEC2|Storage|Block Storage|Storage|EBS:VolumeUsage.gp2|CreateVolume-Gp2|GB-Mo|0.10|Volume",
        "address": "AmazonVPC|Networking|Network Infrastructure|IP Address|PublicIPv4:IdleAddress|"
        "AllocateAddressVPC|Hrs|0.005|IP Address",
        "load_balancer": "AWSELB|Networking|Network Infrastructure|Load Balancer-Application|LoadBalancerUsage|"
        "LoadBalancing:Application|Hrs|0.0225|Load Balancer",
    }.items()
}
# Tax is charged on a service as a whole, not on one of its usage types.
TAXED = _aws("AmazonEC2|Compute|Virtual Machines|||||1|")
MARKETPLACE = _aws(
    "3kq8n5w0v2xhr7d1yjp4tzcf6|Management and Governance|Observability|Software|SaaS-Contract|Subscription|Units|1|"
)
AZURE_MARKETPLACE = _azure(
    "Gridline ETL|Analytics|Data Processing|Gridline ETL Pro|1 Month|1|microsoft.saas/resources|SaaS"
)
