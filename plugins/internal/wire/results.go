package wire

import (
	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

func deliveryToProto(d *ats.Delivery) *atsv1.Delivery {
	if d == nil {
		return nil
	}
	return &atsv1.Delivery{
		Connection: connectionToProto(&d.Connection), Order: orderToProto(d.Order), Key: clean(d.Key), Progress: progressToProto(d.Progress),
	}
}

func deliveryFromProto(p *atsv1.Delivery) *ats.Delivery {
	return &ats.Delivery{
		Connection: *connectionFromProto(p.GetConnection()), Order: orderFromProto(p.GetOrder()),
		Key: p.GetKey(), Progress: progressFromProto(p.GetProgress()),
	}
}

func receiptToProto(r *ats.DeliveryReceipt) *atsv1.DeliveryReceipt {
	if r == nil {
		return nil
	}
	return &atsv1.DeliveryReceipt{
		Reference: clean(r.Reference), Degraded: cleanAll(r.Degraded), AwaitsPoll: r.AwaitsPoll, Exchanges: each(r.Exchanges, exchangeToProto),
	}
}

func receiptFromProto(p *atsv1.DeliveryReceipt) *ats.DeliveryReceipt {
	if p == nil {
		return nil
	}
	return &ats.DeliveryReceipt{
		Reference: p.GetReference(), Degraded: p.GetDegraded(), AwaitsPoll: p.GetAwaitsPoll(), Exchanges: each(p.GetExchanges(), exchangeFromProto),
	}
}
