package live

// The answers of EC2, as far as they are read. [EC2 API reference]

type vpcsAnswer struct {
	NextToken string `xml:"nextToken"`
	Vpcs      []struct {
		ID     string   `xml:"vpcId"`
		CIDR   string   `xml:"cidrBlock"`
		Blocks []string `xml:"cidrBlockAssociationSet>item>cidrBlock"`
	} `xml:"vpcSet>item"`
}

type attributeAnswer struct {
	Support   *bool `xml:"enableDnsSupport>value"`
	Hostnames *bool `xml:"enableDnsHostnames>value"`
}

type subnetsAnswer struct {
	NextToken string `xml:"nextToken"`
	Subnets   []struct {
		ID        string `xml:"subnetId"`
		VPC       string `xml:"vpcId"`
		PublicIPs bool   `xml:"mapPublicIpOnLaunch"`
		Default   bool   `xml:"defaultForAz"`
	} `xml:"subnetSet>item"`
}

type tablesAnswer struct {
	NextToken string       `xml:"nextToken"`
	Tables    []tableShape `xml:"routeTableSet>item"`
}

type tableShape struct {
	ID           string `xml:"routeTableId"`
	Associations []struct {
		Main   bool   `xml:"main"`
		Subnet string `xml:"subnetId"`
	} `xml:"associationSet>item"`
	Routes []routeShape `xml:"routeSet>item"`
}

type routeShape struct {
	CIDR       string `xml:"destinationCidrBlock"`
	State      string `xml:"state"`
	Gateway    string `xml:"gatewayId"`
	NAT        string `xml:"natGatewayId"`
	Transit    string `xml:"transitGatewayId"`
	Peering    string `xml:"vpcPeeringConnectionId"`
	EgressOnly string `xml:"egressOnlyInternetGatewayId"`
	Instance   string `xml:"instanceId"`
	Interface  string `xml:"networkInterfaceId"`
	Local      string `xml:"localGatewayId"`
	Carrier    string `xml:"carrierGatewayId"`
}

type gatewaysAnswer struct {
	NextToken string   `xml:"nextToken"`
	IDs       []string `xml:"internetGatewaySet>item>internetGatewayId"`
}

type natsAnswer struct {
	NextToken string `xml:"nextToken"`
	NATs      []struct {
		ID           string `xml:"natGatewayId"`
		Subnet       string `xml:"subnetId"`
		State        string `xml:"state"`
		Connectivity string `xml:"connectivityType"`
	} `xml:"natGatewaySet>item"`
}

type endpointsAnswer struct {
	NextToken string `xml:"nextToken"`
	Endpoints []struct {
		ID          string   `xml:"vpcEndpointId"`
		Service     string   `xml:"serviceName"`
		Type        string   `xml:"vpcEndpointType"`
		State       string   `xml:"state"`
		Policy      string   `xml:"policyDocument"`
		RouteTables []string `xml:"routeTableIdSet>item"`
		Subnets     []string `xml:"subnetIdSet>item"`
		Groups      []string `xml:"groupSet>item>groupId"`
		PrivateDNS  bool     `xml:"privateDnsEnabled"`
	} `xml:"vpcEndpointSet>item"`
}

type groupsAnswer struct {
	NextToken string `xml:"nextToken"`
	Groups    []struct {
		ID      string            `xml:"groupId"`
		Name    string            `xml:"groupName"`
		Ingress []permissionShape `xml:"ipPermissions>item"`
		Egress  []permissionShape `xml:"ipPermissionsEgress>item"`
	} `xml:"securityGroupInfo>item"`
}

type permissionShape struct {
	Protocol string   `xml:"ipProtocol"`
	From     *int     `xml:"fromPort"`
	To       *int     `xml:"toPort"`
	Ranges   []string `xml:"ipRanges>item>cidrIp"`
	Groups   []string `xml:"groups>item>groupId"`
	Lists    []string `xml:"prefixListIds>item>prefixListId"`
}

type aclsAnswer struct {
	NextToken string     `xml:"nextToken"`
	ACLs      []aclShape `xml:"networkAclSet>item"`
}

type aclShape struct {
	ID      string   `xml:"networkAclId"`
	Default bool     `xml:"default"`
	Subnets []string `xml:"associationSet>item>subnetId"`
	Entries []struct {
		Number   int    `xml:"ruleNumber"`
		Protocol string `xml:"protocol"`
		Action   string `xml:"ruleAction"`
		Egress   bool   `xml:"egress"`
		CIDR     string `xml:"cidrBlock"`
		Ports    *struct {
			From int `xml:"from"`
			To   int `xml:"to"`
		} `xml:"portRange"`
	} `xml:"entrySet>item"`
}

type instancesAnswer struct {
	NextToken string `xml:"nextToken"`
	Instances []struct {
		ID     string   `xml:"instanceId"`
		State  string   `xml:"instanceState>name"`
		VPC    string   `xml:"vpcId"`
		Subnet string   `xml:"subnetId"`
		Public string   `xml:"ipAddress"`
		Groups []string `xml:"groupSet>item>groupId"`
		Tags   []struct {
			Key   string `xml:"key"`
			Value string `xml:"value"`
		} `xml:"tagSet>item"`
	} `xml:"reservationSet>item>instancesSet>item"`
}
