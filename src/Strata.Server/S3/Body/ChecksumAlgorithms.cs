namespace Strata.Server;

/// <summary>S3's names of the checksums, in one place.</summary>
internal static class ChecksumAlgorithms
{
    /// <summary>What the names of the headers begin with.</summary>
    public const string HeaderPrefix = "x-amz-checksum-";

    private static readonly ChecksumAlgorithm[] All =
        [ChecksumAlgorithm.Crc32, ChecksumAlgorithm.Crc32C, ChecksumAlgorithm.Crc64Nvme, ChecksumAlgorithm.Sha1, ChecksumAlgorithm.Sha256];

    /// <summary>As in <c>x-amz-checksum-algorithm</c>.</summary>
    public static string Name(this ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.Md5 => "MD5",
        ChecksumAlgorithm.Crc32 => "CRC32",
        ChecksumAlgorithm.Crc32C => "CRC32C",
        ChecksumAlgorithm.Crc64Nvme => "CRC64NVME",
        ChecksumAlgorithm.Sha1 => "SHA1",
        ChecksumAlgorithm.Sha256 => "SHA256",
        _ => throw new InvalidOperationException($"Unknown checksum {algorithm}."),
    };

    /// <summary>The header that carries a value.</summary>
    public static string Header(this ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.Crc32 => "x-amz-checksum-crc32",
        ChecksumAlgorithm.Crc32C => "x-amz-checksum-crc32c",
        ChecksumAlgorithm.Crc64Nvme => "x-amz-checksum-crc64nvme",
        ChecksumAlgorithm.Sha1 => "x-amz-checksum-sha1",
        ChecksumAlgorithm.Sha256 => "x-amz-checksum-sha256",
        _ => throw new InvalidOperationException($"No header carries {algorithm}."),
    };

    /// <summary>The XML element that carries a value.</summary>
    public static string Element(this ChecksumAlgorithm algorithm) => "Checksum" + algorithm.Name();

    /// <summary>Bytes of a value.</summary>
    public static int Size(this ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.Md5 => 16,
        ChecksumAlgorithm.Crc64Nvme => 8,
        ChecksumAlgorithm.Sha1 => 20,
        ChecksumAlgorithm.Sha256 => 32,
        _ => 4,
    };

    /// <summary>True if the checksum of a whole follows from those of its parts.</summary>
    public static bool IsCrc(this ChecksumAlgorithm algorithm) =>
        algorithm is ChecksumAlgorithm.Crc32 or ChecksumAlgorithm.Crc32C or ChecksumAlgorithm.Crc64Nvme;

    /// <summary>The algorithm of this name, in any case; null if there is none.</summary>
    public static ChecksumAlgorithm? Find(string name)
    {
        foreach (ChecksumAlgorithm algorithm in All)
        {
            if (name.Equals(algorithm.Name(), StringComparison.OrdinalIgnoreCase)) return algorithm;
        }

        return null;
    }

    /// <summary>The algorithm whose value an XML element of this name carries; null if there is none.</summary>
    public static ChecksumAlgorithm? OfElement(string name) =>
        name.StartsWith("Checksum", StringComparison.Ordinal) ? Find(name["Checksum".Length..]) : null;

    /// <summary>The algorithm whose value a header of this name carries; null if it carries none.</summary>
    /// <exception cref="S3Exception">It carries the value of an algorithm that is not known here.</exception>
    public static ChecksumAlgorithm? OfHeader(string header)
    {
        if (!header.StartsWith(HeaderPrefix, StringComparison.OrdinalIgnoreCase)) return null;
        string name = header[HeaderPrefix.Length..];
        if (Find(name) is { } algorithm) return algorithm;
        return name.ToUpperInvariant() is "MODE" or "ALGORITHM" or "TYPE" ? null : throw S3Error.NotImplemented($"The checksum {name}").AsException();
    }

    /// <summary>The algorithm that a header names; null if it is not there.</summary>
    /// <exception cref="S3Exception">There is none of this name.</exception>
    public static ChecksumAlgorithm? Named(string value, string header)
    {
        if (value.Length == 0) return null;
        return Find(value) ?? throw S3Error.InvalidRequest($"{header} takes CRC32, CRC32C, CRC64NVME, SHA1 or SHA256.").AsException();
    }
}
