using System.Collections.Concurrent;
using System.Globalization;
using Azure.Core;
using Microsoft.Extensions.Logging;

namespace Strata.Azure;

/// <content>Looks and reads.</content>
public sealed partial class AzureBlobStore
{
    /// <summary>Bodies up to this are read at once, so that the connection is free and the checksum verified before they are handed out.</summary>
    private const int WholeBytes = 256 << 10;

    private const int KnownAppendices = 4096;
    private const int MostAppendixBytes = 64 << 10;
    private readonly ConcurrentDictionary<string, byte[]> _appendices = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _gate.Enter("stat");
        CheckKey(key, "stat");
        return Visible(await FindAsync(key, "stat", cancellationToken).ConfigureAwait(false));
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

    /// <summary>The blob, expired or not; null if there is none.</summary>
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

    /// <summary>The blob as its own headers say.</summary>
    private async ValueTask<RemoteBlob?> HeadAsync(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        string name = NameOf(key, operation);
        return await _calls.ReadAsync(operation, key, async attempt =>
        {
            try
            {
                AzureResponse head = await _client.SendAsync(RequestMethod.Head, name, null, attempt).ConfigureAwait(false);
                return Parse(key, head, head.ContentLength);
            }
            catch (AzureFailure e) when (e.IsMissing)
            {
                return null;
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    private BlobInfo? Visible(RemoteBlob? found) => found?.IsVisibleAt(Now) == true ? found.Info : null;

    private BlobVersion Floor(RemoteBlob? found) => RemoteBlob.Floor(found, Now);

    private async ValueTask<Opened> GetAsync(BlobKey key, string name, BlobRange? range, RemoteBlob? pinned, CancellationToken cancellationToken)
    {
        // Azure knows no range from the end: what a look tells of the length it does.
        if (range is { Offset: < 0 } && pinned is null) return new Opened(OpenedStatus.LookFirst, null);
        return await _calls.ReadAsync("read", key, async attempt =>
        {
            AzureResponse response;
            try
            {
                response = await _client.SendAsync(RequestMethod.Get, name, request => Fill(request, range, pinned), attempt, streams: true).ConfigureAwait(false);
            }
            catch (AzureFailure e) when (e.IsMissing)
            {
                return new Opened(OpenedStatus.Missing, null);
            }
            catch (AzureFailure e) when (e.IsRefused || e.Status == 416)
            {
                return new Opened(OpenedStatus.LookFirst, null);
            }

            bool isKept = false;
            try
            {
                (long offset, long total) = response.Extent;
                RemoteBlob? found = pinned ?? await CompleteAsync(Parse(key, response, total), isLast: false, attempt.Token).ConfigureAwait(false);
                if (found is null) return new Opened(OpenedStatus.LookFirst, null);
                if (Visible(found) is not { } info) return new Opened(OpenedStatus.Missing, null);

                // An empty blob: what was asked is told by the look.
                if (range is { } asked && (!asked.TryResolve(total, out long first, out long length) || first != offset || length != response.ContentLength))
                    return new Opened(OpenedStatus.LookFirst, null);
                bool isWhole = offset == 0 && response.ContentLength == total;
                var body = new RemoteBody(
                    _calls, key, offset, response.ContentLength, isWhole ? info.Checksum : null, (from, count, again) => ResumeAsync(name, found.NativeETag, from, count, again));
                if (response.ContentLength > WholeBytes)
                {
                    isKept = true;
                    return new Opened(OpenedStatus.Found, new RemoteReadResult(info, _options.Name, new RemoteBodyStream(body, response.Stream!)));
                }

                byte[] bytes = GC.AllocateUninitializedArray<byte>((int)response.ContentLength);
                await body.ReadWholeAsync(response.Stream!, bytes, attempt).ConfigureAwait(false);
                return new Opened(OpenedStatus.Found, new RemoteReadResult(info, _options.Name, offset, bytes));
            }
            finally
            {
                if (!isKept) await response.Stream!.DisposeAsync().ConfigureAwait(false);
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    private static void Fill(Request request, BlobRange? range, RemoteBlob? pinned)
    {
        if (pinned is not null) request.Headers.SetValue("If-Match", pinned.NativeETag);
        if (range is not { } part) return;
        long first = Math.Min(part.Offset, AzureUpload.MaxBlobBytes);
        long? length = part.Length;
        if (part.Offset < 0) part.TryResolve(pinned!.Info.Length, out first, out _);
        string last = length is { } some && some < AzureUpload.MaxBlobBytes ? (first + some - 1).ToString(CultureInfo.InvariantCulture) : "";
        request.Headers.SetValue("x-ms-range", string.Create(CultureInfo.InvariantCulture, $"bytes={first}-{last}"));
    }

    /// <summary>Goes on with a body that broke off; null if the blob is another by now.</summary>
    private async Task<Stream?> ResumeAsync(string name, string etag, long offset, long length, RemoteAttempt attempt)
    {
        try
        {
            AzureResponse response = await _client.SendAsync(RequestMethod.Get, name, request =>
            {
                request.Headers.SetValue("If-Match", etag);
                request.Headers.SetValue("x-ms-range", string.Create(CultureInfo.InvariantCulture, $"bytes={offset}-{offset + length - 1}"));
            }, attempt, streams: true).ConfigureAwait(false);
            if (response.ContentLength == length && response.Header("ETag") == etag) return response.Stream;
            await response.Stream!.DisposeAsync().ConfigureAwait(false);
            return null;
        }
        catch (AzureFailure e) when (e.IsMissing || e.IsRefused || e.Status == 416)
        {
            return null;
        }
    }

    private RemoteBlob Parse(BlobKey key, AzureResponse response, long length)
    {
        var bare = new BlobInfo
        {
            Key = key,
            Length = length,
            ETag = response.Header("ETag") ?? "",
            Created = response.LastModified,
            Modified = response.LastModified,
            ContentType = response.Header("Content-Type"),
            ContentEncoding = response.Header("Content-Encoding"),
        };
        return Parse(bare, response.Metadata);
    }

    /// <summary>A blob as the service describes it, whose ETag is still the service's own, quotes and all.</summary>
    private RemoteBlob Parse(BlobInfo bare, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        try
        {
            BlobInfo plain = bare with { ETag = bare.ETag.Trim('"'), ContentType = bare.ContentType == "application/octet-stream" ? null : bare.ContentType };
            return RemoteRecord.Read(plain, metadata) with { NativeETag = bare.ETag };
        }
        catch (FormatException e)
        {
            throw StorageException.Corrupt("stat", bare.Key, _options.Name, $"its record in the metadata '{RemoteRecord.Header}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Adds what the blob's appendix says. Null if it is not there, so that the blob has probably been replaced: look again.</summary>
    private async ValueTask<RemoteBlob?> CompleteAsync(RemoteBlob found, bool isLast, CancellationToken cancellationToken)
    {
        if (found.Appendix is not { } name) return found;
        if (!_appendices.TryGetValue(name, out byte[]? json))
        {
            json = await ReadAppendixAsync(name, found.Info.Key, cancellationToken).ConfigureAwait(false);
            if (json is null)
            {
                if (!isLast) return null;
                _log.LogWarning("The appendix of '{Key}' in store '{Store}' is missing: its metadata is not known.", found.Info.Key, _options.Name);
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
                AzureResponse response = await _client.SendAsync(RequestMethod.Get, AppendixName(name), null, attempt, streams: true).ConfigureAwait(false);
                using Stream stream = response.Stream!;
                if (response.ContentLength > MostAppendixBytes) throw StorageException.Corrupt("stat", key, _options.Name, "its appendix is longer than any is");
                byte[] bytes = new byte[response.ContentLength];
                await stream.ReadExactlyAsync(bytes, attempt.Token).ConfigureAwait(false);
                return bytes;
            }
            catch (AzureFailure e) when (e.IsMissing)
            {
                return null;
            }
        }, cancellationToken).ConfigureAwait(false);

    private string AppendixName(string appendix) => $"{_root}{Reserved}appendix/{appendix}";

    private enum OpenedStatus
    {
        Found,
        Missing,
        LookFirst,
    }

    private readonly record struct Opened(OpenedStatus Status, BlobReadResult? Result);
}
