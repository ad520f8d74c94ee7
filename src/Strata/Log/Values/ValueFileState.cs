namespace Strata;

/// <summary>What a file of the <c>values</c> folder is for at a moment.</summary>
internal enum ValueFileState
{
    /// <summary>A writer fills it.</summary>
    Writing,

    /// <summary>It holds a value that the log refers to, or is about to.</summary>
    InUse,

    /// <summary>The log does not refer to it any more; somebody still reads it.</summary>
    Retired,

    /// <summary>Its content means nothing; the next value of a fitting length goes there.</summary>
    Spare,

    /// <summary>It is removed, or about to be.</summary>
    Gone,
}
