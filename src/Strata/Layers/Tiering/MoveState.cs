namespace Strata;

/// <summary>How far a move is; each state is durable before the next step is taken where blobs have one home.</summary>
public enum MoveState
{
    /// <summary>It is written down, and nothing has been done.</summary>
    Planned,

    /// <summary>The target holds the bytes.</summary>
    Copied,

    /// <summary>They were read back and are right.</summary>
    Verified,

    /// <summary>The target is the blob's home: the move's commit point.</summary>
    Published,
}
