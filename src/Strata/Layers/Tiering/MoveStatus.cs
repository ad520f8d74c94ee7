namespace Strata;

/// <summary>How a move to another tier ended.</summary>
public enum MoveStatus
{
    /// <summary>The blob is in the tier now.</summary>
    Moved,

    /// <summary>It was there already.</summary>
    Unchanged,

    /// <summary>There is no such blob.</summary>
    Missing,

    /// <summary>It was written or deleted meanwhile: the move is given up.</summary>
    Overtaken,

    /// <summary>The tier does not take it: it is too long, or the tier is full.</summary>
    Refused,
}
