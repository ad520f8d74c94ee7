namespace Strata;

/// <summary>What a delete came to.</summary>
public enum DeleteStatus
{
    /// <summary>The blob was there and is gone.</summary>
    Deleted,

    /// <summary>There was no blob; the key is missing all the same.</summary>
    Missing,

    /// <summary>The condition did not hold; nothing was changed.</summary>
    PreconditionFailed,

    /// <summary>The delete failed; only in <see cref="DeleteManyResult"/>, which carries the error.</summary>
    Failed,
}
