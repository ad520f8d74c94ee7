namespace Strata;

/// <summary>Which layers must have a change before a <see cref="FanoutBlobStore"/> acknowledges it. The others get it from the outbox.</summary>
public enum FanoutAcknowledgement
{
    /// <summary>All of them: while one is out, changes fail.</summary>
    All,

    /// <summary>More than half of them, whichever.</summary>
    Quorum,

    /// <summary>The first one: while it is out, changes fail.</summary>
    Primary,
}
