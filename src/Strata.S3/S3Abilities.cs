namespace Strata.S3;

/// <summary>What an S3 server honours, beyond what all of them do. What it does not honour it mostly ignores in silence, so that nothing is taken for granted.</summary>
[Flags]
public enum S3Abilities
{
    /// <summary>None of them.</summary>
    None = 0,

    /// <summary><c>If-None-Match: *</c> and <c>If-Match</c> on PutObject.</summary>
    ConditionalPut = 1,

    /// <summary>The same on CompleteMultipartUpload.</summary>
    ConditionalComplete = 2,

    /// <summary><c>If-Match</c> on DeleteObject.</summary>
    ConditionalDelete = 4,

    /// <summary><c>If-None-Match: *</c> and <c>If-Match</c> on the target of CopyObject.</summary>
    ConditionalCopy = 8,

    /// <summary><c>x-amz-copy-source-if-match</c> on CopyObject and UploadPartCopy.</summary>
    CopySourceMatch = 16,

    /// <summary>All of them.</summary>
    All = ConditionalPut | ConditionalComplete | ConditionalDelete | ConditionalCopy | CopySourceMatch,
}
