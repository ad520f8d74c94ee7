using System.Globalization;
using Amazon.Runtime;
using Amazon.Runtime.Internal.Util;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Logging;

namespace Strata.S3;

/// <content>Looks and reads.</content>
public sealed partial class S3BlobStore
{
    /// <summary>Bodies up to this are read at once, so that the connection is free and the checksum verified before they are handed out.</summary>
    private const int WholeBytes = 256 << 10;

    private const int KnownAppendices = 4096;
    private const string MetadataPrefix = "x-amz-meta-";
    private volatile bool _bucketSeen;
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, byte[]> _appendices = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _gate.Enter("stat");
        CheckKey(key, "stat");
        RemoteBlob? found = await FindAsync(key, "stat", cancellationToken).ConfigureAwait(false);
        return Visible(found);
    }

    /// <inheritdoc/>
    public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _gate.Enter("read");
        CheckKey(key, "read");
        string name = NameOf(key, "read");
        if (options is { IfMatch: null, IfNoneMatch: null } or null)
        {
            Opened opened = await GetAsync(key, name, options?.Range, null, cancellationToken).ConfigureAwait(false);
            if (opened.Status == OpenedStatus.Found) return opened.Result;
            if (opened.Status == OpenedStatus.Missing) return null;
        }

        // Conditions compare Strata's ETags, which only a look tells: no body is asked for that is not wanted.
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? found = await FindAsync(key, "read", cancellationToken).ConfigureAwait(false);
            if (Visible(found) is not { } info) return null;
            BlobReadStatus status = options?.Evaluate(info.ETag) ?? BlobReadStatus.Found;
            if (status == BlobReadStatus.Found && options?.Range is { } range && !range.TryResolve(info.Length, out _, out _)) status = BlobReadStatus.RangeNotSatisfiable;
            if (status != BlobReadStatus.Found) return BlobReadResult.WithoutBytes(status, info, _options.Name);
            Opened opened = await GetAsync(key, name, options?.Range, found, cancellationToken).ConfigureAwait(false);
            if (opened.Status == OpenedStatus.Found) return opened.Result;
        }

        throw Crowded("read", key);
    }

    /// <summary>The object, expired or not; null if there is none.</summary>
    internal async ValueTask<RemoteBlob?> FindAsync(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? found = await HeadAsync(key, operation, cancellationToken).ConfigureAwait(false);
            if (found is null) return null;
            if (await CompleteAsync(found, isLast: look > 1, cancellationToken).ConfigureAwait(false) is { } whole) return whole;
        }

        throw Crowded(operation, key);
    }

    /// <summary>The object as its own headers say.</summary>
    private async ValueTask<RemoteBlob?> HeadAsync(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        string name = NameOf(key, operation);
        RemoteBlob? found = await _calls.ReadAsync(operation, key, async attempt =>
        {
            try
            {
                GetObjectMetadataResponse head = await _client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = _options.Bucket, Key = name }, attempt.Token).ConfigureAwait(false);
                return Parse(key, head.ContentLength, head.ETag, head.LastModified, head.Headers, head.Metadata);
            }
            catch (AmazonServiceException e) when (S3Errors.IsMissing(e))
            {
                return null;
            }
        }, cancellationToken).ConfigureAwait(false);
        if (!_bucketSeen)
        {
            if (found is null) await SeeBucketAsync(operation, key, cancellationToken).ConfigureAwait(false);
            _bucketSeen = true;
        }

        return found;
    }

    /// <summary>The answer to a HEAD has no body, and so does not tell a missing object from a missing bucket; asked once. Who may not list has to believe it.</summary>
    private async ValueTask SeeBucketAsync(string operation, BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            await _calls.ReadAsync(
                operation, key, attempt => _client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = _options.Bucket, MaxKeys = 1 }, attempt.Token), cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.AccessDenied)
        {
            _log.LogDebug(e, "The bucket '{Bucket}' of store '{Store}' may not be listed.", _options.Bucket, _options.Name);
        }
    }

    /// <summary>Reads a body into a file or buffer of its own: for writes that must go through this machine.</summary>
    private async ValueTask<BlobReadResult?> ReadExactAsync(BlobKey key, RemoteBlob of, CancellationToken cancellationToken) =>
        (await GetAsync(key, NameOf(key, "read"), null, of, cancellationToken).ConfigureAwait(false)).Result;

    private BlobInfo? Visible(RemoteBlob? found) => found?.IsVisibleAt(Now) == true ? found.Info : null;

    private BlobVersion Floor(RemoteBlob? found) => RemoteBlob.Floor(found, Now);

    private async ValueTask<Opened> GetAsync(BlobKey key, string name, BlobRange? range, RemoteBlob? pinned, CancellationToken cancellationToken)
    {
        return await _calls.ReadAsync("read", key, async attempt =>
        {
            var request = new GetObjectRequest { BucketName = _options.Bucket, Key = name, EtagToMatch = pinned is null ? null : _provider.Quote(pinned.NativeETag) };
            if (range is { } part) request.ByteRange = ByteRangeOf(part);
            GetObjectResponse response;
            try
            {
                response = await _client.GetObjectAsync(request, attempt.Token).ConfigureAwait(false);
            }
            catch (AmazonServiceException e) when (S3Errors.IsMissing(e))
            {
                return new Opened(OpenedStatus.Missing, null);
            }
            catch (AmazonServiceException e) when (S3Errors.IsRefused(e) || (int)e.StatusCode == 416)
            {
                return new Opened(OpenedStatus.LookFirst, null);
            }

            bool isKept = false;
            try
            {
                (long offset, long total) = Extent(response);
                RemoteBlob? found = Parse(key, total, response.ETag, response.LastModified, response.Headers, response.Metadata);
                found = pinned ?? await CompleteAsync(found, isLast: false, attempt.Token).ConfigureAwait(false);
                if (found is null) return new Opened(OpenedStatus.LookFirst, null);
                if (Visible(found) is not { } info) return new Opened(OpenedStatus.Missing, null);

                // An empty object, or a server that takes no ranges: what was asked is told by the look.
                if (range is { } asked && (!asked.TryResolve(total, out long first, out long length) || first != offset || length != response.ContentLength))
                    return new Opened(OpenedStatus.LookFirst, null);
                bool isWhole = offset == 0 && response.ContentLength == total;
                var body = new RemoteBody(
                    _calls, key, offset, response.ContentLength, isWhole ? info.Checksum : null, (from, count, again) => ResumeAsync(name, found.NativeETag, from, count, again));
                if (response.ContentLength > WholeBytes)
                {
                    isKept = true;
                    return new Opened(OpenedStatus.Found, new RemoteReadResult(info, _options.Name, new RemoteBodyStream(body, BodyOf(response))));
                }

                byte[] bytes = GC.AllocateUninitializedArray<byte>((int)response.ContentLength);
                await body.ReadWholeAsync(BodyOf(response), bytes, attempt).ConfigureAwait(false);
                return new Opened(OpenedStatus.Found, new RemoteReadResult(info, _options.Name, offset, bytes));
            }
            finally
            {
                if (!isKept) response.Dispose();
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The bytes without the SDK's own check of them: that takes the ETag for their digest, costs as much as the transfer, and
    /// says of damage that the client is at fault, once when they are read and once more when they are let go.
    /// </summary>
    private static Stream BodyOf(GetObjectResponse response) => WrapperStream.GetNonWrapperBaseStream(response.ResponseStream);

    /// <summary>Goes on with a body that broke off; null if the object is another by now.</summary>
    private async Task<Stream?> ResumeAsync(string name, string etag, long offset, long length, RemoteAttempt attempt)
    {
        var request = new GetObjectRequest { BucketName = _options.Bucket, Key = name, EtagToMatch = _provider.Quote(etag), ByteRange = new ByteRange(offset, offset + length - 1) };
        try
        {
            GetObjectResponse response = await _client.GetObjectAsync(request, attempt.Token).ConfigureAwait(false);
            if (response.ContentLength == length && Unquoted(response.ETag) == etag) return BodyOf(response);
            response.Dispose();
            return null;
        }
        catch (AmazonServiceException e) when (S3Errors.IsMissing(e) || S3Errors.IsRefused(e) || (int)e.StatusCode == 416)
        {
            return null;
        }
    }

    private RemoteBlob Parse(BlobKey key, long length, string? etag, DateTime? lastModified, HeadersCollection headers, MetadataCollection metadata)
    {
        DateTimeOffset modified = lastModified is { } time ? new DateTimeOffset(time.ToUniversalTime(), TimeSpan.Zero) : DateTimeOffset.UnixEpoch;
        var bare = new BlobInfo
        {
            Key = key,
            Length = length,
            ETag = Unquoted(etag),
            Created = modified,
            Modified = modified,
            ContentType = headers.ContentType is { Length: > 0 } type && type != "binary/octet-stream" ? type : null,
            ContentEncoding = headers.ContentEncoding is { Length: > 0 } encoding ? encoding : null,
        };
        try
        {
            return RemoteRecord.Read(bare, metadata.Keys.Select(name => KeyValuePair.Create(MetadataName(name), metadata[name])));
        }
        catch (FormatException e)
        {
            throw StorageException.Corrupt("stat", key, _options.Name, $"its record in x-amz-meta-{RemoteRecord.Header} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Adds what the object's appendix says. Null if it is not there, so that the object has probably been replaced: look again.</summary>
    private async ValueTask<RemoteBlob?> CompleteAsync(RemoteBlob found, bool isLast, CancellationToken cancellationToken)
    {
        if (found.Appendix is not { } name) return found;
        if (!_appendices.TryGetValue(name, out byte[]? json))
        {
            json = await ReadAppendixAsync(name, found.Info.Key, cancellationToken).ConfigureAwait(false);
            if (json is null)
            {
                if (!isLast) return null;
                _log.LogWarning("The appendix of '{Key}' in store '{Store}' is missing: its checksum, and what its writer told last, are not known.", found.Info.Key, _options.Name);
                return found;
            }

            // Appendices never change; to forget all of them now and then costs less than to know which are old.
            if (_appendices.Count >= KnownAppendices) _appendices.Clear();
            _appendices[name] = json;
        }

        try
        {
            return found with { Info = RemoteRecord.ReadAppendix(json, found) };
        }
        catch (FormatException e)
        {
            throw StorageException.Corrupt("stat", found.Info.Key, _options.Name, $"its appendix cannot be read: {e.Message}", e);
        }
    }

    private async ValueTask<byte[]?> ReadAppendixAsync(string name, BlobKey key, CancellationToken cancellationToken) =>
        await _calls.ReadAsync("stat", key, async attempt =>
        {
            try
            {
                using GetObjectResponse response = await _client.GetObjectAsync(new GetObjectRequest { BucketName = _options.Bucket, Key = AppendixName(name) }, attempt.Token).ConfigureAwait(false);
                if (response.ContentLength > 64 << 10) throw StorageException.Corrupt("stat", key, _options.Name, "its appendix is longer than any is");
                byte[] bytes = new byte[response.ContentLength];
                await response.ResponseStream.ReadExactlyAsync(bytes, attempt.Token).ConfigureAwait(false);
                return bytes;
            }
            catch (AmazonServiceException e) when (S3Errors.IsMissing(e))
            {
                return null;
            }
        }, cancellationToken).ConfigureAwait(false);

    private string AppendixName(string appendix) => $"{_options.Prefix}{Reserved}appendix/{appendix}";

    /// <summary>The SDK tells names with their prefix, and as the server writes them.</summary>
    private static string MetadataName(string header) =>
        (header.StartsWith(MetadataPrefix, StringComparison.OrdinalIgnoreCase) ? header[MetadataPrefix.Length..] : header).ToLowerInvariant();

    private static string Unquoted(string? etag) => etag is ['"', .., '"'] ? etag[1..^1] : etag ?? "";

    private static ByteRange ByteRangeOf(BlobRange range)
    {
        // Servers read what is beyond the longest object in ways of their own.
        if (range.Offset < 0) return new ByteRange(string.Create(CultureInfo.InvariantCulture, $"bytes=-{Math.Min(-range.Offset, S3Upload.MaxObjectBytes)}"));
        long first = Math.Min(range.Offset, S3Upload.MaxObjectBytes);
        return range.Length is { } length && length < S3Upload.MaxObjectBytes
            ? new ByteRange(first, first + length - 1)
            : new ByteRange(string.Create(CultureInfo.InvariantCulture, $"bytes={first}-"));
    }

    /// <summary>Where the body begins, and the length of the whole object: <c>bytes 0-9/100</c>.</summary>
    private static (long Offset, long Total) Extent(GetObjectResponse response)
    {
        if (response.ContentRange is { } text && text.StartsWith("bytes ", StringComparison.Ordinal))
        {
            string[] parts = text[6..].Split('-', '/');
            if (parts.Length == 3 && long.TryParse(parts[0], CultureInfo.InvariantCulture, out long offset) && long.TryParse(parts[2], CultureInfo.InvariantCulture, out long total)) return (offset, total);
        }

        return (0, response.ContentLength);
    }

    private enum OpenedStatus
    {
        Found,
        Missing,
        LookFirst,
    }

    private readonly record struct Opened(OpenedStatus Status, BlobReadResult? Result);
}
