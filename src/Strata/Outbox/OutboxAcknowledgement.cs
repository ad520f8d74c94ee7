namespace Strata;

/// <summary>How an intent has ended.</summary>
public enum OutboxAcknowledgement
{
    /// <summary>The target has the state that the key had, or a later one; or there was nothing to send.</summary>
    Sent,

    /// <summary>It was given up and is a dead letter.</summary>
    Dead,
}
