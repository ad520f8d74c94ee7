namespace Strata;

/// <summary>What the creation of a bucket came to.</summary>
public enum BucketCreation
{
    /// <summary>It is there, durably, and served.</summary>
    Created,

    /// <summary>There is a store of this name.</summary>
    Exists,

    /// <summary>The name is none that a bucket can have.</summary>
    InvalidName,

    /// <summary>There are <see cref="BucketSettings.Max"/> created ones already.</summary>
    TooMany,

    /// <summary><see cref="BucketSettings.Create"/> is off.</summary>
    NotAllowed,
}
