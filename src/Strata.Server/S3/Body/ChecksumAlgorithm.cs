namespace Strata.Server;

/// <summary>The digests by which an S3 client may say what its body is.</summary>
internal enum ChecksumAlgorithm
{
    /// <summary>Content-MD5.</summary>
    Md5,

    /// <summary>x-amz-checksum-crc32.</summary>
    Crc32,

    /// <summary>x-amz-checksum-crc32c.</summary>
    Crc32C,

    /// <summary>x-amz-checksum-crc64nvme.</summary>
    Crc64Nvme,

    /// <summary>x-amz-checksum-sha1.</summary>
    Sha1,

    /// <summary>x-amz-checksum-sha256, and x-amz-content-sha256 where it is a digest.</summary>
    Sha256,
}
