using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>A checksum as S3 tells it: of a whole object or, composite, of the checksums of its parts.</summary>
/// <param name="Algorithm">How it is computed.</param>
/// <param name="Value">Base64; a composite's ends in <c>-N</c>, the number of parts.</param>
/// <param name="IsComposite">True for S3's type <c>COMPOSITE</c>, false for <c>FULL_OBJECT</c>.</param>
internal sealed record S3Checksum(ChecksumAlgorithm Algorithm, string Value, bool IsComposite = false)
{
    public const string TypeHeader = "x-amz-checksum-type", FullObject = "FULL_OBJECT", Composite = "COMPOSITE";

    /// <summary>S3's name of the type.</summary>
    public string Type => TypeOf(IsComposite);

    public static string TypeOf(bool isComposite) => isComposite ? Composite : FullObject;

    /// <summary>That of a whole object or of one part.</summary>
    public static S3Checksum Of(ChecksumAlgorithm algorithm, byte[] digest) => new(algorithm, Convert.ToBase64String(digest));

    /// <summary>The one that a client gave at the upload, else the CRC-32C that stores keep of everything; null if neither is known.</summary>
    public static S3Checksum? Of(BlobInfo info) => Given(info.Metadata) ?? OfStore(info.Checksum);

    /// <summary>The one of a part, where the upload asks for this algorithm.</summary>
    public static S3Checksum? Of(UploadedPart part, ChecksumAlgorithm algorithm)
    {
        S3Checksum? checksum = algorithm == ChecksumAlgorithm.Crc32C ? OfStore(part.Checksum) : Given(part.Metadata);
        return checksum?.Algorithm == algorithm ? checksum : null;
    }

    /// <summary>Reads the form that is kept; null if it is not that.</summary>
    public static S3Checksum? Parse(string text)
    {
        string[] fields = text.Split(' ');
        if (fields.Length != 3 || ChecksumAlgorithms.Find(fields[0]) is not { } algorithm || fields[1] is not (FullObject or Composite)) return null;
        var checksum = new S3Checksum(algorithm, fields[2], fields[1] == Composite);
        return checksum.IsWellFormed() ? checksum : null;
    }

    /// <summary>The metadata that keeps this checksum; CRC-32C of a whole is kept by the store itself.</summary>
    public IReadOnlyDictionary<string, string>? AddTo(IReadOnlyDictionary<string, string>? metadata) =>
        Algorithm == ChecksumAlgorithm.Crc32C && !IsComposite ? metadata : S3Reserved.With(metadata, S3Reserved.Checksum, ToString());

    /// <summary>Tells the client.</summary>
    public void WriteTo(HttpResponse response)
    {
        response.Headers[Algorithm.Header()] = Value;
        response.Headers[TypeHeader] = Type;
    }

    /// <summary>Tells the client; without the type.</summary>
    public void WriteTo(S3Xml xml) => xml.Element(Algorithm.Element(), Value);

    /// <summary>The form that is kept.</summary>
    public override string ToString() => $"{Algorithm.Name()} {Type} {Value}";

    private static S3Checksum? Given(IReadOnlyDictionary<string, string> metadata) =>
        metadata.TryGetValue(S3Reserved.Checksum, out string? text) ? Parse(text) : null;

    private static S3Checksum? OfStore(uint? checksum) => checksum is { } value ? Of(ChecksumAlgorithm.Crc32C, PayloadDigest.BigEndian(value)) : null;

    private bool IsWellFormed()
    {
        int dash = Value.IndexOf('-', StringComparison.Ordinal);
        if (dash >= 0 != IsComposite) return false;
        if (IsComposite && !int.TryParse(Value.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _)) return false;
        Span<byte> digest = stackalloc byte[64];
        return Convert.TryFromBase64String(IsComposite ? Value[..dash] : Value, digest, out int length) && length == Algorithm.Size();
    }
}
