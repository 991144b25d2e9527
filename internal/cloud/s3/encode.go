package s3

import (
	"context"
	"net/url"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

type xmlOwner struct{ ID string }

type xmlBucket struct {
	Name, CreationDate, BucketRegion string
}

func encodeBuckets(x *door.Request, out *s3.ListBucketsOutput) error {
	type buckets struct{ Bucket []xmlBucket }
	v := struct {
		XMLName struct{} `xml:"ListAllMyBucketsResult"`
		NS      string   `xml:"xmlns,attr"`
		Owner   xmlOwner
		Buckets buckets
		Prefix  string `xml:",omitempty"`
	}{NS: xmlns, Owner: xmlOwner{door.Value(out.Owner.ID)}, Prefix: door.Value(out.Prefix)}
	for _, b := range out.Buckets {
		v.Buckets.Bucket = append(v.Buckets.Bucket, xmlBucket{door.Value(b.Name), stampTime(b.CreationDate), door.Value(b.BucketRegion)})
	}
	return writeXML(x, v)
}

func encodeLocation(x *door.Request, out *s3.GetBucketLocationOutput) error {
	return writeXML(x, struct {
		XMLName struct{} `xml:"LocationConstraint"`
		NS      string   `xml:"xmlns,attr"`
		Region  string   `xml:",chardata"`
	}{NS: xmlns, Region: string(out.LocationConstraint)})
}

type xmlObject struct {
	Key, LastModified, ETag string
	Size                    int64
	Owner                   *xmlOwner `xml:",omitempty"`
	StorageClass            string
}

type xmlPrefix struct{ Prefix string }

// xmlListing is either version's listing; what is nil is left out.
type xmlListing struct {
	XMLName               struct{} `xml:"ListBucketResult"`
	NS                    string   `xml:"xmlns,attr"`
	Name, Prefix          string
	Marker                *string
	NextMarker            *string
	StartAfter            *string
	ContinuationToken     *string
	NextContinuationToken *string
	KeyCount              *int32
	MaxKeys               int32
	Delimiter             *string
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	Contents              []xmlObject
	CommonPrefixes        []xmlPrefix
}

func (l *xmlListing) fill(objects []types.Object, prefixes []types.CommonPrefix, encoding types.EncodingType) {
	l.NS, l.EncodingType = xmlns, string(encoding)
	l.Prefix = urlEncoded(l.Prefix, encoding)
	for _, p := range []**string{&l.Marker, &l.NextMarker, &l.StartAfter, &l.Delimiter} {
		if *p != nil {
			*p = door.Pointer(urlEncoded(**p, encoding))
		}
	}
	for _, o := range objects {
		x := xmlObject{Key: urlEncoded(door.Value(o.Key), encoding), LastModified: stampTime(o.LastModified), ETag: door.Value(o.ETag), Size: door.Value(o.Size), StorageClass: string(o.StorageClass)}
		if o.Owner != nil {
			x.Owner = &xmlOwner{door.Value(o.Owner.ID)}
		}
		l.Contents = append(l.Contents, x)
	}
	for _, p := range prefixes {
		l.CommonPrefixes = append(l.CommonPrefixes, xmlPrefix{urlEncoded(door.Value(p.Prefix), encoding)})
	}
}

// listAsks is the question about a listing, with its condition keys.
func listAsks(bucket, prefix, delimiter *string, max *int32) []door.Ask {
	keys := map[string][]string{}
	if prefix != nil {
		keys["s3:prefix"] = []string{*prefix}
	}
	if delimiter != nil {
		keys["s3:delimiter"] = []string{*delimiter}
	}
	if max != nil {
		keys["s3:max-keys"] = []string{strconv.Itoa(int(*max))}
	}
	return []door.Ask{{Action: "s3:ListBucket", S3: true, Bucket: door.Value(bucket), Context: keys}}
}

func (s *Service) listRow() door.Row {
	return door.RestOp("s3", "ListObjectsV2", "s3:ListBucket", door.Wire[s3.ListObjectsV2Input, s3.ListObjectsV2Output]{
		Match: matches("GET", true, false, "list-type"),
		Decode: func(x *door.Request) (*s3.ListObjectsV2Input, error) {
			q := x.URL.Query()
			if q.Get("list-type") != "2" {
				return nil, aws.NewError("InvalidArgument", "Invalid List Type")
			}
			max, err := queryInt(q, "max-keys")
			return &s3.ListObjectsV2Input{Bucket: &x.Bucket, Prefix: query(q, "prefix"), Delimiter: nonEmpty(q, "delimiter"), MaxKeys: max,
				StartAfter: query(q, "start-after"), ContinuationToken: query(q, "continuation-token"), FetchOwner: door.Pointer(q.Get("fetch-owner") == "true"),
				EncodingType: types.EncodingType(q.Get("encoding-type"))}, err
		},
		Encode: func(x *door.Request, out *s3.ListObjectsV2Output) error {
			l := xmlListing{Name: door.Value(out.Name), Prefix: door.Value(out.Prefix), StartAfter: out.StartAfter, ContinuationToken: out.ContinuationToken,
				NextContinuationToken: out.NextContinuationToken, KeyCount: out.KeyCount, MaxKeys: door.Value(out.MaxKeys), Delimiter: out.Delimiter,
				IsTruncated: door.Value(out.IsTruncated)}
			l.fill(out.Contents, out.CommonPrefixes, out.EncodingType)
			return writeXML(x, l)
		},
	}, func(_ context.Context, in *s3.ListObjectsV2Input) []door.Ask {
		return listAsks(in.Bucket, in.Prefix, in.Delimiter, in.MaxKeys)
	}, s.ListObjectsV2)
}

func (s *Service) oldListRow() door.Row {
	return door.RestOp("s3", "ListObjects", "s3:ListBucket", door.Wire[s3.ListObjectsInput, s3.ListObjectsOutput]{
		Match: matches("GET", true, false),
		Decode: func(x *door.Request) (*s3.ListObjectsInput, error) {
			q := x.URL.Query()
			max, err := queryInt(q, "max-keys")
			return &s3.ListObjectsInput{Bucket: &x.Bucket, Prefix: query(q, "prefix"), Delimiter: nonEmpty(q, "delimiter"), MaxKeys: max,
				Marker: query(q, "marker"), EncodingType: types.EncodingType(q.Get("encoding-type"))}, err
		},
		Encode: func(x *door.Request, out *s3.ListObjectsOutput) error {
			l := xmlListing{Name: door.Value(out.Name), Prefix: door.Value(out.Prefix), Marker: out.Marker, NextMarker: out.NextMarker, MaxKeys: door.Value(out.MaxKeys),
				Delimiter: out.Delimiter, IsTruncated: door.Value(out.IsTruncated)}
			l.fill(out.Contents, out.CommonPrefixes, out.EncodingType)
			return writeXML(x, l)
		},
	}, func(_ context.Context, in *s3.ListObjectsInput) []door.Ask {
		return listAsks(in.Bucket, in.Prefix, in.Delimiter, in.MaxKeys)
	}, s.ListObjects)
}

// nonEmpty is a query parameter's text, nil when it is absent or empty.
func nonEmpty(q url.Values, name string) *string { return door.Given(q.Get(name)) }

func encodeDeleted(x *door.Request, out *s3.DeleteObjectsOutput) error {
	type deleted struct{ Key string }
	type failed struct{ Key, Code, Message string }
	v := struct {
		XMLName struct{} `xml:"DeleteResult"`
		NS      string   `xml:"xmlns,attr"`
		Deleted []deleted
		Error   []failed
	}{NS: xmlns}
	for _, d := range out.Deleted {
		v.Deleted = append(v.Deleted, deleted{door.Value(d.Key)})
	}
	for _, e := range out.Errors {
		v.Error = append(v.Error, failed{door.Value(e.Key), door.Value(e.Code), door.Value(e.Message)})
	}
	return writeXML(x, v)
}
