// The values that the alert rules compare with their thresholds (alert_rules.h).
#pragma once

#include "server/monitoring/alert_rules.h"

namespace quorumbook::server::alert {

using Emit = AlertRule::Emit;

void ApplyLag(const AlertInputs& inputs, const Emit& emit);
void BackgroundErrors(const AlertInputs& inputs, const Emit& emit);
void CertificateExpiry(const AlertInputs& inputs, const Emit& emit);
void ClockOffset(const AlertInputs& inputs, const Emit& emit);
void DiskFilling(const AlertInputs& inputs, const Emit& emit);
void DiskFull(const AlertInputs& inputs, const Emit& emit);
void DiskLow(const AlertInputs& inputs, const Emit& emit);
void Evidence(const AlertInputs& inputs, const Emit& emit);
void FiguresOld(const AlertInputs& inputs, const Emit& emit);
void Fenced(const AlertInputs& inputs, const Emit& emit);
void GrpcErrors(const AlertInputs& inputs, const Emit& emit);
void LeaderFlapping(const AlertInputs& inputs, const Emit& emit);
void MembersMissing(const AlertInputs& inputs, const Emit& emit);
void NoLeader(const AlertInputs& inputs, const Emit& emit);
void NodeDown(const AlertInputs& inputs, const Emit& emit);
void OpenFiles(const AlertInputs& inputs, const Emit& emit);
void PeerDisconnected(const AlertInputs& inputs, const Emit& emit);
void ProposalsFailing(const AlertInputs& inputs, const Emit& emit);
void RejectSpike(const AlertInputs& inputs, const Emit& emit);
void ReplicaLag(const AlertInputs& inputs, const Emit& emit);
void SlowCommit(const AlertInputs& inputs, const Emit& emit);
void SlowConsumers(const AlertInputs& inputs, const Emit& emit);
void SlowPeer(const AlertInputs& inputs, const Emit& emit);
void SlowSync(const AlertInputs& inputs, const Emit& emit);
void StateDiverged(const AlertInputs& inputs, const Emit& emit);
void StoreDamaged(const AlertInputs& inputs, const Emit& emit);
void VersionSkew(const AlertInputs& inputs, const Emit& emit);
void WriteStalls(const AlertInputs& inputs, const Emit& emit);

}  // namespace quorumbook::server::alert
