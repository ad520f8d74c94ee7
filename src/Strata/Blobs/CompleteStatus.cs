namespace Strata;

/// <summary>What the completion of an upload came to.</summary>
public enum CompleteStatus
{
    /// <summary>The blob is there, and the upload is no more.</summary>
    Completed,

    /// <summary>There is no such upload.</summary>
    Missing,

    /// <summary>A part is not there, or has another ETag; the upload goes on.</summary>
    InvalidPart,

    /// <summary>The condition did not hold; the upload goes on.</summary>
    PreconditionFailed,
}
