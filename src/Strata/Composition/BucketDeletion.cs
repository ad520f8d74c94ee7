namespace Strata;

/// <summary>What the deletion of a bucket came to.</summary>
public enum BucketDeletion
{
    /// <summary>It is gone, durably.</summary>
    Deleted,

    /// <summary>There is no store of this name.</summary>
    Missing,

    /// <summary>It holds blobs, or uploads are under way; it is as it was.</summary>
    NotEmpty,

    /// <summary>Operations under way did not come to an end in time; it is as it was.</summary>
    Busy,

    /// <summary>The store stands in the configuration, or <see cref="BucketSettings.Create"/> is off.</summary>
    NotAllowed,
}
