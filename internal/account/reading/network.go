package reading

// Network is the VPC of the instances.
type Network struct {
	VPC string `json:"vpc"`
	// Default: the options name no VPC, so it is the region's default one.
	Default        bool            `json:"default"`
	CIDRs          []string        `json:"cidrs,omitempty"`
	DNSSupport     *bool           `json:"dnsSupport"`
	DNSNames       *bool           `json:"dnsHostnames"`
	Subnets        []Subnet        `json:"subnets"`
	RouteTables    []RouteTable    `json:"routeTables"`
	Gateways       []string        `json:"internetGateways"` // attached to it
	NATs           []NAT           `json:"natGateways"`
	Endpoints      []Endpoint      `json:"endpoints"`
	SecurityGroups []SecurityGroup `json:"securityGroups"`
	ACLs           []ACL           `json:"networkAcls"`
	// Unread are the parts that could not be read, each with its permission.
	Unread []string `json:"unread,omitempty"`
}

// Subnet is a subnet, with the tables in force: its own or the VPC's.
type Subnet struct {
	ID         string `json:"id"`
	RouteTable string `json:"routeTable,omitempty"`
	ACL        string `json:"networkAcl,omitempty"`
	PublicIPs  bool   `json:"mapPublicIpOnLaunch"`
	DefaultAZ  bool   `json:"defaultForAz"`
}

// RouteTable is a route table; Main is that of subnets without one.
type RouteTable struct {
	ID     string  `json:"id"`
	Main   bool    `json:"main"`
	Routes []Route `json:"routes"`
}

// Route is an active route but the local one.
type Route struct {
	CIDR   string `json:"cidr,omitempty"` // IPv4
	Target string `json:"target"`         // ID
	State  string `json:"state,omitempty"`
}

// NAT is a NAT gateway.
type NAT struct {
	ID      string `json:"id"`
	Subnet  string `json:"subnet"`
	Private bool   `json:"private"`
}

// Endpoint is a VPC endpoint.
type Endpoint struct {
	ID             string   `json:"id"`
	Service        string   `json:"service"`
	Type           string   `json:"type"`
	State          string   `json:"state,omitempty"`
	RouteTables    []string `json:"routeTables,omitempty"`
	Subnets        []string `json:"subnets,omitempty"`
	SecurityGroups []string `json:"securityGroups,omitempty"`
	PrivateDNS     bool     `json:"privateDns"`
	Policy         string   `json:"policy,omitempty"`
}

// SecurityGroup is a security group.
type SecurityGroup struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Ingress []Rule `json:"ingress"`
	Egress  []Rule `json:"egress"`
}

// Rule is what a rule of a security group or network ACL is about.
type Rule struct {
	Protocol string `json:"protocol"`
	From     int    `json:"from"` // -1: all
	To       int    `json:"to"`
	CIDR     string `json:"cidr,omitempty"`
	Peer     string `json:"peer,omitempty"` // a group's or prefix list's ID
}

// ACL is a network ACL.
type ACL struct {
	ID      string  `json:"id"`
	Default bool    `json:"default"`
	Entries []Entry `json:"entries"`
}

// Entry is an entry of a network ACL.
type Entry struct {
	Number int  `json:"number"`
	Egress bool `json:"egress"`
	Allow  bool `json:"allow"`
	Rule
}
