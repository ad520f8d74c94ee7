namespace Strata;

/// <content>Looks and reads.</content>
internal sealed partial class RemoteStore
{
    /// <summary>Bodies up to this are read at once, so that the connection is free and the checksum verified before they are handed out.</summary>
    private const int WholeBytes = 256 << 10;

    private volatile bool _containerSeen;

    public async ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter("stat");
        CheckKey(key, "stat");
        return Visible(await FindAsync(key, "stat", cancellationToken).ConfigureAwait(false));
    }

    public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter("read");
        CheckKey(key, "read");
        if (options is { IfMatch: null, IfNoneMatch: null } or null)
        {
            Opened opened = await OpenAsync(key, "read", options?.Range, null, cancellationToken).ConfigureAwait(false);
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
            Opened opened = await OpenAsync(key, "read", options?.Range, found, cancellationToken).ConfigureAwait(false);
            if (opened.Status == OpenedStatus.Found) return opened.Result;
        }

        throw Crowded("read", key);
    }

    /// <summary>The bytes of a blob that was looked at; null if it is another by now.</summary>
    public async ValueTask<BlobReadResult?> ReadAsync(RemoteBlob of, CancellationToken cancellationToken) =>
        (await OpenAsync(of.Info.Key, "read", null, of, cancellationToken).ConfigureAwait(false)).Result;

    /// <summary>The blob, expired or not, with what its appendix says; null if there is none.</summary>
    public async ValueTask<RemoteBlob?> FindAsync(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? found = await HeadAsync(key, operation, cancellationToken).ConfigureAwait(false);
            if (found is null) return null;
            if (await _appendices.CompleteAsync(found, isLast: look > 1, cancellationToken).ConfigureAwait(false) is { } whole) return whole;
        }

        throw Crowded(operation, key);
    }

    /// <summary>The blob as its own headers say, expired or not; null if there is none.</summary>
    public async ValueTask<RemoteBlob?> HeadAsync(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        string name = _service.NameOf(key, operation);
        RemoteBlob? found = await Calls.ReadAsync(operation, key, async attempt =>
        {
            try
            {
                return (await _service.HeadAsync(key, name, attempt).ConfigureAwait(false)).Read(_traits, _options.Name);
            }
            catch (Exception e) when (_service.AnswerOf(e) == RemoteAnswer.Missing)
            {
                return null;
            }
        }, cancellationToken).ConfigureAwait(false);
        if (!_containerSeen)
        {
            if (found is null) await _service.SeeContainerAsync(key, operation, cancellationToken).ConfigureAwait(false);
            _containerSeen = true;
        }

        return found;
    }

    private async ValueTask<Opened> OpenAsync(BlobKey key, string operation, BlobRange? range, RemoteBlob? pinned, CancellationToken cancellationToken)
    {
        string name = _service.NameOf(key, operation);
        if (range is { Offset: < 0 } && pinned is null && !_traits.SuffixRanges) return new Opened(OpenedStatus.LookFirst, null);
        return await Calls.ReadAsync("read", key, async attempt =>
        {
            RemoteResponse response;
            try
            {
                response = await _service.GetAsync(key, name, range, pinned, attempt).ConfigureAwait(false);
            }
            catch (Exception e) when (_service.AnswerOf(e) == RemoteAnswer.Missing)
            {
                return new Opened(OpenedStatus.Missing, null);
            }
            catch (Exception e) when (_service.AnswerOf(e) == RemoteAnswer.Refused || _service.IsOutOfRange(e))
            {
                return new Opened(OpenedStatus.LookFirst, null);
            }

            Opened opened = default;
            try
            {
                opened = await ServeAsync(key, name, range, pinned, response, attempt).ConfigureAwait(false);
                return opened;
            }
            finally
            {
                if (!opened.KeepsBody) response.Dispose();
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<Opened> ServeAsync(BlobKey key, string name, BlobRange? range, RemoteBlob? pinned, RemoteResponse response, RemoteAttempt attempt)
    {
        RemoteBlob? found = pinned ?? await _appendices.CompleteAsync(response.Object.Read(_traits, _options.Name), isLast: false, attempt.Token).ConfigureAwait(false);
        if (found is null) return new Opened(OpenedStatus.LookFirst, null);
        if (Visible(found) is not { } info) return new Opened(OpenedStatus.Missing, null);

        // An empty object, or a server that takes no ranges: what was asked is told by the look.
        if (range is { } asked && (!asked.TryResolve(response.Object.Bare.Length, out long first, out long length) || first != response.Offset || length != response.Length))
            return new Opened(OpenedStatus.LookFirst, null);
        var body = new RemoteBody(
            Calls, key, response.Offset, response.Length, response.IsWhole ? info.Checksum : null, (from, count, again) => ResumeAsync(key, name, found, from, count, again));
        if (response.Length > WholeBytes) return new Opened(OpenedStatus.Found, new RemoteReadResult(info, _options.Name, new RemoteBodyStream(body, response.Body)), KeepsBody: true);
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)response.Length);
        await body.ReadWholeAsync(response.Body, bytes, attempt).ConfigureAwait(false);
        return new Opened(OpenedStatus.Found, new RemoteReadResult(info, _options.Name, response.Offset, bytes));
    }

    /// <summary>Goes on with a body that broke off; null if the blob is another by now.</summary>
    private async Task<Stream?> ResumeAsync(BlobKey key, string name, RemoteBlob of, long offset, long length, RemoteAttempt attempt)
    {
        try
        {
            RemoteResponse response = await _service.GetAsync(key, name, BlobRange.From(offset, length), of, attempt).ConfigureAwait(false);
            if (response.Length == length && response.Object.NativeETag == of.NativeETag) return response.Body;
            response.Dispose();
            return null;
        }
        catch (Exception e) when (_service.AnswerOf(e) is not null || _service.IsOutOfRange(e))
        {
            return null;
        }
    }

    private enum OpenedStatus
    {
        Found,
        Missing,
        LookFirst,
    }

    private readonly record struct Opened(OpenedStatus Status, BlobReadResult? Result, bool KeepsBody = false);
}
