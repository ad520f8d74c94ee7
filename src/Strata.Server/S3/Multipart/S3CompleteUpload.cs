using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// CompleteMultipartUpload: the parts that the client names become the object. Commit point: that of the store.
/// </summary>
/// <remarks>
/// An answer may be lost on its way, and its client asks again, when the upload is gone. The object therefore keeps which
/// upload made it: the same completion of the same parts is answered as it was the first time.
/// </remarks>
internal static class S3CompleteUpload
{
    /// <summary>The shortest part but for the last one: 5 MiB, as S3's.</summary>
    private const long MinPartBytes = 5 << 20;

    private const int PageLength = 1000;

    /// <summary>A part as the client names it.</summary>
    private sealed record NamedPart(int Number, string ETag, S3Checksum? Checksum);

    public static async Task HandleAsync(S3Request request)
    {
        IMultipartUploads uploads = S3Uploads.Of(request);
        BlobKey key = S3Request.KeyOf(request.Target.Key);
        string id = S3Uploads.IdOf(request);
        WriteCondition condition = S3Conditions.ForWrite(request.Request.Headers);
        IReadOnlyList<NamedPart> named = await S3XmlBody.ReadAsync(request, Parse, hasChecksums: false);
        string etag = ETagOf(named), mark = MarkOf(key, id);

        CompleteResult result = await CompleteAsync(request, uploads, await uploads.FindAsync(key, id, request.Aborted), named, etag, mark, condition);
        switch (result.Status)
        {
            case CompleteStatus.Completed:
                await AnswerAsync(request, result.Info!);
                break;
            case CompleteStatus.Missing:
                BlobInfo? there = await request.Store.StatAsync(key, request.Aborted);
                if (there?.ETag == etag && there.Metadata.GetValueOrDefault(S3Reserved.Upload) == mark) await AnswerAsync(request, there);
                else await request.FailAsync(S3Error.NoSuchUpload);
                break;
            case CompleteStatus.InvalidPart:
                throw InvalidPart(result.InvalidPart);
            default:
                await S3PutObject.RefuseAsync(request, key, condition, result.Info);
                break;
        }
    }

    private static async ValueTask<CompleteResult> CompleteAsync(
        S3Request request, IMultipartUploads uploads, MultipartUpload? upload, IReadOnlyList<NamedPart> named, string etag, string mark, WriteCondition condition)
    {
        if (upload is null || await FindPartsAsync(uploads, upload, named, request.Aborted) is not { } parts) return new CompleteResult(CompleteStatus.Missing);
        if (parts.SkipLast(1).FirstOrDefault(p => p.Length < MinPartBytes) is { } small)
            throw new S3Error(400, "EntityTooSmall", $"Your proposed upload is smaller than the minimum allowed size: part {small.Number} has {small.Length} bytes.").AsException();
        S3Checksum? checksum = ChecksumOf(request.Request.Headers, S3UploadChecksum.Of(upload), parts);
        RequireSize(request.Request.Headers["x-amz-mp-object-size"].ToString(), parts.Sum(p => p.Length));

        IReadOnlyDictionary<string, string>? metadata = S3Reserved.With(upload.Options.Metadata, S3Reserved.Checksum, null);
        if (checksum is not null) metadata = checksum.AddTo(metadata);
        metadata = S3Reserved.With(metadata, S3Reserved.Parts, S3PartSizes.Format(parts.Select(p => p.Length)));
        var options = new CompleteOptions { Condition = condition, ETag = etag, Metadata = S3Reserved.With(metadata, S3Reserved.Upload, mark) };
        return await uploads.CompleteAsync(upload.Key, upload.Id, [.. parts.Select(p => new PartReference(p.Number, p.ETag))], options, request.Aborted);
    }

    /// <summary>The parts that are named; null if the upload has ended.</summary>
    /// <exception cref="S3Exception">InvalidPart: one is not there, or not as it is named.</exception>
    private static async ValueTask<IReadOnlyList<UploadedPart>?> FindPartsAsync(
        IMultipartUploads uploads, MultipartUpload upload, IReadOnlyList<NamedPart> named, CancellationToken cancellationToken)
    {
        var found = new List<UploadedPart>(named.Count);
        IReadOnlyList<UploadedPart> page = [];
        int at = 0;
        foreach (NamedPart one in named)
        {
            while (at < page.Count && page[at].Number < one.Number) at++;
            if (at == page.Count)
            {
                if (await uploads.ListPartsAsync(upload.Key, upload.Id, one.Number - 1, PageLength, cancellationToken) is not { } next) return null;
                (page, at) = (next, 0);
            }

            if (at == page.Count || page[at].Number != one.Number || page[at].ETag != one.ETag || !IsAsNamed(page[at], one.Checksum)) throw InvalidPart(one.Number);
            found.Add(page[at]);
        }

        return found;
    }

    private static bool IsAsNamed(UploadedPart part, S3Checksum? named) => named is null || S3Checksum.Of(part, named.Algorithm)?.Value == named.Value;

    /// <summary>The object's checksum, which is what the client expects where it says so.</summary>
    private static S3Checksum? ChecksumOf(IHeaderDictionary headers, S3UploadChecksum? agreed, IReadOnlyList<UploadedPart> parts)
    {
        string type = headers[S3Checksum.TypeHeader].ToString();
        if (agreed is not null && type.Length > 0 && type != agreed.Type)
            throw S3Error.InvalidRequest($"The upload was created with the checksum type {agreed.Type}, and is completed with {type}.").AsException();
        (ChecksumAlgorithm Algorithm, string Value)? expected = null;
        foreach (string header in headers.Keys)
        {
            if (ChecksumAlgorithms.OfHeader(header) is { } algorithm) expected = (algorithm, headers[header].ToString());
        }

        if (expected is { } given) agreed ??= new S3UploadChecksum(given.Algorithm, type == S3Checksum.Composite);
        S3Checksum? checksum = agreed?.Combine(parts);
        if (expected is null) return checksum;
        if (checksum is null || checksum.Algorithm != expected.Value.Algorithm)
            throw S3Error.InvalidRequest($"The parts were not uploaded with the checksum {expected.Value.Algorithm.Name()}.").AsException();
        bool holds = checksum.Value == expected.Value.Value || (checksum.IsComposite && checksum.Value.StartsWith(expected.Value.Value + "-", StringComparison.Ordinal));
        return holds ? checksum : throw S3Error.BadDigest(checksum.Algorithm.Header()).AsException();
    }

    private static void RequireSize(string header, long length)
    {
        if (header.Length == 0) return;
        if (!long.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out long expected)) throw S3Error.InvalidArgument("x-amz-mp-object-size is not a number of bytes.").AsException();
        if (expected != length)
            throw S3Error.InvalidRequest($"The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {length}").AsException();
    }

    /// <summary>MD5 of the parts' MD5s, and how many they are.</summary>
    /// <exception cref="S3Exception">InvalidPart: an ETag is no MD5, which those of parts are.</exception>
    private static string ETagOf(IReadOnlyList<NamedPart> parts)
    {
        byte[] digests = new byte[16 * parts.Count];
        for (int i = 0; i < parts.Count; i++)
        {
            string etag = parts[i].ETag;
            if (etag.Length != 32 || Convert.FromHexString(etag, digests.AsSpan(16 * i, 16), out _, out _) != OperationStatus.Done) throw InvalidPart(parts[i].Number);
        }

        using var joined = new PayloadDigest([]);
        joined.Append(digests);
        return string.Create(CultureInfo.InvariantCulture, $"{joined.ETag}-{parts.Count}");
    }

    /// <summary>What the object keeps of its upload: nothing that a copy of the object under another key could be taken for.</summary>
    private static string MarkOf(BlobKey key, string id) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{key.Value}\n{id}")).AsSpan(0, 16));

    private static List<NamedPart> Parse(XmlReader reader)
    {
        var parts = new List<NamedPart>();
        reader.ReadDocument("CompleteMultipartUpload", name =>
        {
            if (name != "Part" || parts.Count == IMultipartUploads.MaxParts) throw new XmlException();
            parts.Add(ParsePart(reader));
            if (parts.Count > 1 && parts[^1].Number <= parts[^2].Number)
                throw new S3Error(400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.").AsException();
        });
        return parts.Count > 0 ? parts : throw new XmlException();
    }

    private static NamedPart ParsePart(XmlReader reader)
    {
        string? number = null, etag = null;
        S3Checksum? checksum = null;
        reader.ReadChildren(name =>
        {
            string content = reader.ReadElementContentAsString().Trim();
            if (name == "PartNumber") number = content;
            else if (name == "ETag") etag = S3Conditions.Unquote(content);
            else if (ChecksumAlgorithms.OfElement(name) is { } algorithm) checksum = new S3Checksum(algorithm, content);
            else throw new XmlException();
        });
        return number is not null && etag is not null ? new NamedPart(S3PartNumber.Parse(number), etag.ToLowerInvariant(), checksum) : throw new XmlException();
    }

    private static async Task AnswerAsync(S3Request request, BlobInfo info)
    {
        HttpRequest http = request.Request;
        using var xml = new S3Xml("CompleteMultipartUploadResult");
        xml.Element("Location", $"{http.Scheme}://{http.Host.Value}{http.PathBase}/{request.Target.Bucket}/{S3Listing.Encoded(info.Key.Value, encodes: true)}");
        xml.Element("Bucket", request.Target.Bucket).Element("Key", info.Key.Value).ETag(info.ETag);
        if (S3Checksum.Of(info) is { } checksum)
        {
            checksum.WriteTo(xml);
            xml.Element("ChecksumType", checksum.Type);
        }

        await xml.SendAsync(request.Response);
    }

    private static S3Exception InvalidPart(int number) => new S3Error(
        400, "InvalidPart", $"One or more of the specified parts could not be found: part {number} was not uploaded, or its ETag or checksum is another one.").AsException();
}
