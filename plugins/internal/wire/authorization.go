package wire

import (
	"context"
	"log/slog"

	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// Begin implements ats.Authorization.
func (c *Client) Begin(ctx context.Context, r *ats.ConsentRequest) (*ats.ConsentPage, error) {
	reply, err := invoke(ctx, c.authorization.Begin, &atsv1.BeginRequest{
		Connection: connectionToProto(&r.Connection), RedirectUrl: clean(r.RedirectURL), State: clean(r.State),
	})
	if err != nil {
		return nil, err
	}
	page := &ats.ConsentPage{URL: reply.GetUrl()}
	if err := checkConsentPage(page); err != nil {
		return nil, err
	}
	return page, nil
}

// Complete implements ats.Authorization.
func (c *Client) Complete(ctx context.Context, r *ats.ConsentCode) (*ats.Grant, error) {
	return ask(ctx, question[*atsv1.CompleteRequest, *atsv1.CompleteResponse, *atsv1.Grant, *ats.Grant]{
		method: atsv1.AuthorizationService_Complete_FullMethodName, rpc: c.authorization.Complete, read: grantFromProto, check: checkGrant,
		request: &atsv1.CompleteRequest{Connection: connectionToProto(&r.Connection), RedirectUrl: clean(r.RedirectURL), Code: clean(r.Code)},
	})
}

// Refresh implements ats.Authorization.
func (c *Client) Refresh(ctx context.Context, r *ats.RefreshRequest) (*ats.Grant, error) {
	return ask(ctx, question[*atsv1.RefreshRequest, *atsv1.RefreshResponse, *atsv1.Grant, *ats.Grant]{
		method: atsv1.AuthorizationService_Refresh_FullMethodName, rpc: c.authorization.Refresh, read: grantFromProto, check: checkGrant,
		request: &atsv1.RefreshRequest{Connection: connectionToProto(&r.Connection), Identify: r.Identify},
	})
}

type authorizationServer struct {
	atsv1.UnimplementedAuthorizationServiceServer
	authorization ats.Authorization
	log           *slog.Logger
}

func (s authorizationServer) Begin(ctx context.Context, r *atsv1.BeginRequest) (*atsv1.BeginResponse, error) {
	page, err := s.authorization.Begin(ctx, &ats.ConsentRequest{
		Connection: *connectionFromProto(r.GetConnection()), RedirectURL: r.GetRedirectUrl(), State: r.GetState(),
	})
	if err != nil || page == nil {
		return &atsv1.BeginResponse{}, err
	}
	return &atsv1.BeginResponse{Url: clean(page.URL)}, nil
}

func (s authorizationServer) Complete(ctx context.Context, r *atsv1.CompleteRequest) (*atsv1.CompleteResponse, error) {
	answer, err := s.authorization.Complete(ctx, &ats.ConsentCode{
		Connection: *connectionFromProto(r.GetConnection()), RedirectURL: r.GetRedirectUrl(), Code: r.GetCode(),
	})
	return &atsv1.CompleteResponse{Answer: grantToProto(answer), Fault: told(ctx, s.log, atsv1.AuthorizationService_Complete_FullMethodName, err)}, nil
}

func (s authorizationServer) Refresh(ctx context.Context, r *atsv1.RefreshRequest) (*atsv1.RefreshResponse, error) {
	answer, err := s.authorization.Refresh(ctx, &ats.RefreshRequest{Connection: *connectionFromProto(r.GetConnection()), Identify: r.GetIdentify()})
	return &atsv1.RefreshResponse{Answer: grantToProto(answer), Fault: told(ctx, s.log, atsv1.AuthorizationService_Refresh_FullMethodName, err)}, nil
}

func grantToProto(g *ats.Grant) *atsv1.Grant {
	if g == nil {
		return nil
	}
	return &atsv1.Grant{
		Secrets: cleanMap(g.Secrets), ExpiresAt: timestamp(g.ExpiresAt), RefreshExpiresAt: timestamp(g.RefreshExpiresAt),
		Account: clean(g.Account), AccountName: clean(g.AccountName), Subject: clean(g.Subject), Scopes: cleanAll(g.Scopes), Trace: traceToProto(g.Trace),
	}
}

func grantFromProto(p *atsv1.Grant) *ats.Grant {
	return &ats.Grant{
		Secrets: p.GetSecrets(), ExpiresAt: moment(p.GetExpiresAt()), RefreshExpiresAt: moment(p.GetRefreshExpiresAt()),
		Account: p.GetAccount(), AccountName: p.GetAccountName(), Subject: p.GetSubject(), Scopes: p.GetScopes(), Trace: traceFromProto(p.GetTrace()),
	}
}
