using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>What an outbox and its workers have in common.</summary>
internal sealed record OutboxParts(
    IKvDatabase Database, OutboxKeys Keys, OutboxOptions Options, OutboxTransitions Transitions, OutboxRoom Room, OutboxProgress Progress, OutboxMetrics Metrics, TimeProvider Clock, ILogger Log);
