package wire

import (
	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

func requestToProto(r ats.HTTPRequest) *atsv1.HTTPRequest {
	return &atsv1.HTTPRequest{
		Method: clean(r.Method), Path: clean(r.Path), Params: cleanMap(r.Params),
		Query: valuesToProto(r.Query), Header: valuesToProto(r.Header), Body: r.Body,
	}
}

func requestFromProto(p *atsv1.HTTPRequest) ats.HTTPRequest {
	return ats.HTTPRequest{
		Method: p.GetMethod(), Path: p.GetPath(), Params: p.GetParams(),
		Query: valuesFromProto(p.GetQuery()), Header: valuesFromProto(p.GetHeader()), Body: p.GetBody(),
	}
}

func responseToProto(r *ats.HTTPResponse) *atsv1.HTTPResponse {
	if r == nil {
		return nil
	}
	return &atsv1.HTTPResponse{Status: int64(r.Status), Header: valuesToProto(r.Header), Body: r.Body}
}

func responseFromProto(p *atsv1.HTTPResponse) *ats.HTTPResponse {
	if p == nil {
		return nil
	}
	return &ats.HTTPResponse{Status: int(p.GetStatus()), Header: valuesFromProto(p.GetHeader()), Body: p.GetBody()}
}

func valuesToProto(m map[string][]string) map[string]*atsv1.Values {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]*atsv1.Values, len(m))
	for k, v := range m {
		out[clean(k)] = &atsv1.Values{Values: cleanAll(v)}
	}
	return out
}

func valuesFromProto(m map[string]*atsv1.Values) map[string][]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string][]string, len(m))
	for k, v := range m {
		out[k] = v.GetValues()
	}
	return out
}

func exchangeToProto(x ats.Exchange) *atsv1.Exchange {
	return &atsv1.Exchange{
		Method: clean(x.Method), Url: clean(x.URL), RequestBody: clean(x.RequestBody),
		Status: int64(x.Status), ResponseBody: clean(x.ResponseBody), ResponseHeader: cleanMap(x.ResponseHeader),
		StartedAt: timestamp(x.StartedAt), Duration: duration(x.Duration), Error: clean(x.Error),
	}
}

func exchangeFromProto(p *atsv1.Exchange) ats.Exchange {
	return ats.Exchange{
		Method: p.GetMethod(), URL: p.GetUrl(), RequestBody: p.GetRequestBody(),
		Status: int(p.GetStatus()), ResponseBody: p.GetResponseBody(), ResponseHeader: p.GetResponseHeader(),
		StartedAt: moment(p.GetStartedAt()), Duration: p.GetDuration().AsDuration(), Error: p.GetError(),
	}
}

func inboundToProto(r *ats.InboundRequest) *atsv1.InboundRequest {
	if r == nil {
		return nil
	}
	return &atsv1.InboundRequest{Connection: connectionToProto(&r.Connection), Route: clean(r.Route), Http: requestToProto(r.HTTP)}
}

func inboundFromProto(p *atsv1.InboundRequest) *ats.InboundRequest {
	return &ats.InboundRequest{
		Connection: *connectionFromProto(p.GetConnection()), Route: p.GetRoute(), HTTP: requestFromProto(p.GetHttp()),
	}
}
