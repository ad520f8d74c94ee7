using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>Which checksum an upload in parts is to have, agreed on when it is begun.</summary>
/// <param name="Algorithm">How each part's is computed.</param>
/// <param name="IsComposite">True if the object's is the hash of its parts' hashes, false if it is that of all its bytes.</param>
internal sealed record S3UploadChecksum(ChecksumAlgorithm Algorithm, bool IsComposite)
{
    private const string AlgorithmHeader = "x-amz-checksum-algorithm";

    public string Type => S3Checksum.TypeOf(IsComposite);

    /// <summary>What the client asks for; null if nothing.</summary>
    /// <exception cref="S3Exception">The algorithm is unknown, or has no such type.</exception>
    public static S3UploadChecksum? Read(IHeaderDictionary headers)
    {
        string type = headers[S3Checksum.TypeHeader].ToString().ToUpperInvariant();
        if (type is not ("" or S3Checksum.FullObject or S3Checksum.Composite))
            throw S3Error.InvalidRequest($"{S3Checksum.TypeHeader} takes {S3Checksum.FullObject} or {S3Checksum.Composite}.").AsException();
        if (ChecksumAlgorithms.Named(headers[AlgorithmHeader].ToString(), AlgorithmHeader) is not { } algorithm)
        {
            return type.Length == 0 ? null
                : throw S3Error.InvalidRequest($"The {S3Checksum.TypeHeader} header can only be used with the {AlgorithmHeader} header.").AsException();
        }

        bool isComposite = type.Length == 0 ? algorithm != ChecksumAlgorithm.Crc64Nvme : type == S3Checksum.Composite;
        if (isComposite ? algorithm == ChecksumAlgorithm.Crc64Nvme : !algorithm.IsCrc())
            throw S3Error.InvalidRequest($"The {S3Checksum.TypeOf(isComposite)} checksum type cannot be used with the {algorithm.Name()} checksum algorithm.").AsException();
        return new S3UploadChecksum(algorithm, isComposite);
    }

    /// <summary>What was agreed on for this upload; null if nothing.</summary>
    public static S3UploadChecksum? Of(MultipartUpload upload)
    {
        if (upload.Options.Metadata?.GetValueOrDefault(S3Reserved.Checksum)?.Split(' ') is not [string name, string type]) return null;
        return ChecksumAlgorithms.Find(name) is { } algorithm ? new S3UploadChecksum(algorithm, type == S3Checksum.Composite) : null;
    }

    /// <summary>The checksum of the object that these parts make; null if that of a part is not known.</summary>
    public S3Checksum? Combine(IReadOnlyList<UploadedPart> parts)
    {
        var joined = new JoinedChecksum(Algorithm, IsComposite);
        foreach (UploadedPart part in parts)
        {
            if (S3Checksum.Of(part, Algorithm) is not { } checksum) return null;
            joined.Append(Convert.FromBase64String(checksum.Value), part.Length);
        }

        return joined.Result();
    }

    public void WriteTo(HttpResponse response)
    {
        response.Headers[AlgorithmHeader] = Algorithm.Name();
        response.Headers[S3Checksum.TypeHeader] = Type;
    }

    public void WriteTo(S3Xml xml) => xml.Element("ChecksumAlgorithm", Algorithm.Name()).Element("ChecksumType", Type);

    /// <summary>The form that is kept.</summary>
    public override string ToString() => $"{Algorithm.Name()} {Type}";
}
