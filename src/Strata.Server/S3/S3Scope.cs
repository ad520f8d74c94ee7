namespace Strata.Server;

/// <summary>What the path of a request names.</summary>
internal enum S3Scope
{
    /// <summary>The root: all buckets.</summary>
    Root,

    /// <summary>A bucket.</summary>
    Bucket,

    /// <summary>An object.</summary>
    Object,
}
