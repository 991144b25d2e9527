# What a deployment script does with boto3: argument 1 is the environment's
# name, 2 the version to deploy. It fails with a traceback where an answer is
# not AWS's.
import sys

import boto3
from botocore.exceptions import ClientError

name, label = sys.argv[1:]
beans, balancers, scaling = (boto3.client(s) for s in ("elasticbeanstalk", "elbv2", "autoscaling"))
quick = {"Delay": 1, "MaxAttempts": 120}


def environment():
    return beans.describe_environments(EnvironmentNames=[name])["Environments"][0]


before = environment()
assert (before["Status"], before["Health"]) == ("Ready", "Green"), before
options = beans.describe_configuration_options(EnvironmentName=name)["Options"]
assert any(o["Namespace"] == "aws:autoscaling:asg" and o["Name"] == "MinSize" and o["DefaultValue"] == "1" for o in options)
assert beans.validate_configuration_settings(
    ApplicationName=before["ApplicationName"], EnvironmentName=name,
    OptionSettings=[{"Namespace": "aws:elasticbeanstalk:command", "OptionName": "Timeout", "Value": "7200"}],
)["Messages"][0]["Severity"] == "error"
assert beans.describe_environment_managed_actions(EnvironmentName=name)["ManagedActions"] == []
try:
    beans.abort_environment_update(EnvironmentName=name)
    raise AssertionError("nothing was aborted, and no error says so")
except ClientError as e:
    assert e.response["Error"]["Code"] == "InvalidParameterValue", e.response

made = beans.describe_environment_resources(EnvironmentName=name)["EnvironmentResources"]
ids = sorted(i["Id"] for i in made["Instances"])
group = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[made["AutoScalingGroups"][0]["Name"]])["AutoScalingGroups"][0]
assert sorted(i["InstanceId"] for i in group["Instances"]) == ids and group["MinSize"] == 1, group
assert {"Key": "elasticbeanstalk:environment-name", "Value": name} in [{k: t[k] for k in ("Key", "Value")} for t in group["Tags"]]
launch = scaling.describe_launch_configurations(LaunchConfigurationNames=[group["LaunchConfigurationName"]])["LaunchConfigurations"][0]
assert launch["IamInstanceProfile"], launch

balancer = balancers.describe_load_balancers(LoadBalancerArns=[made["LoadBalancers"][0]["Name"]])["LoadBalancers"][0]
assert (balancer["Type"], balancer["State"]["Code"]) == ("application", "active"), balancer
listener = balancers.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"][0]
assert (listener["Port"], listener["DefaultActions"][0]["Type"]) == (80, "forward"), listener
rules = balancers.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
assert rules[-1]["IsDefault"] and rules[-1]["Priority"] == "default", rules
target = balancers.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])["TargetGroups"][0]
assert target["TargetGroupArn"] == listener["DefaultActions"][0]["TargetGroupArn"] and target["Port"] == 80, target
health = balancers.describe_target_health(TargetGroupArn=target["TargetGroupArn"])["TargetHealthDescriptions"]
assert [(h["Target"]["Id"], h["TargetHealth"]["State"]) for h in health] == [(i, "healthy") for i in ids], health
balancers.get_waiter("target_in_service").wait(TargetGroupArn=target["TargetGroupArn"], WaiterConfig=quick)
try:
    balancers.describe_load_balancers(Names=["nobody"])
    raise AssertionError("a load balancer that is not there was described")
except balancers.exceptions.LoadBalancerNotFoundException:
    pass
assert boto3.client("elb").describe_load_balancers()["LoadBalancerDescriptions"] == []

system = beans.describe_instances_health(EnvironmentName=name, AttributeNames=["System"])["InstanceHealthList"][0]["System"]
assert len(system["LoadAverage"]) == 3 and 0 <= system["CPUUtilization"]["Idle"] <= 100, system

beans.update_environment(EnvironmentName=name, VersionLabel=label)
beans.get_waiter("environment_updated").wait(EnvironmentNames=[name], WaiterConfig=quick)
assert environment()["VersionLabel"] == label, environment()
beans.terminate_environment(EnvironmentName=name)
beans.get_waiter("environment_terminated").wait(EnvironmentNames=[name], WaiterConfig=quick)
print("all as on AWS")
