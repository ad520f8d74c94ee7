using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Uploads in parts over an object store: each upload an object of the store's own, each part another one beside it, of any
/// length, in any order, from any process. A completion joins them on the server where that can.
/// </summary>
/// <remarks>
/// <para><b>Commit points:</b> of an upload and a part the object's; of a completion the blob's; of an abort the removal of the
/// upload's object. What crashes leave beside them is invisible, and a sweep's.</para>
/// <para>Within one store a completion and an abort exclude each other. Of two processes that complete one upload at once both
/// may say so: the blob is the same; one that aborts it as another completes it may come too late. Where a process ends between
/// a completion's commit and the removal of the upload, to complete it again writes the same blob again.</para>
/// </remarks>
internal sealed partial class RemoteUploads(RemoteStore store, TimeProvider clock, TimeSpan expiry, ILogger log) : IMultipartUploads
{
    /// <summary>What stores keep for themselves is under this prefix.</summary>
    public const string Reserved = ".strata/";

    /// <summary>Records that are too long for headers, or were not known at a write's beginning.</summary>
    public const string AppendixFolder = Reserved + "appendix/";

    /// <summary>Uploads: behind it an id, <c>/</c>, and five digits: 0 of the upload itself, others of its parts.</summary>
    public const string Folder = Reserved + "uploads/";

    private const int KnownSessions = 4_096, PageLength = 1_000, MostSessionBytes = 256 << 10, MostLooks = 16;
    private readonly ConcurrentDictionary<string, RemoteSession> _sessions = new(StringComparer.Ordinal);
    private readonly KeyLocks _ends = new();

    public async ValueTask<MultipartUpload> CreateAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "upload", cancellationToken);
        UploadLimits.CheckCreate(store.Capabilities, key, options);
        BlobVersion version = store.NextVersion();
        string id = version + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        var session = new RemoteSession(id, NewBlob.Describe(key, 0, 0, options, null, null, version, clock.GetUtcNow()));
        IBlobWriter writer = store.OpenWriter(KeyOf(id, 0));
        await using (writer.ConfigureAwait(false))
        {
            await writer.WriteAsync(session.Write(), cancellationToken).ConfigureAwait(false);
            await writer.CommitAsync(null, cancellationToken).ConfigureAwait(false);
        }

        Know(session);
        return Describe(session, session.Info.Created, 0, 0);
    }

    public async ValueTask<MultipartUpload?> FindAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "upload", cancellationToken);
        if (await SessionAsync(key, uploadId, mayBeKnown: true, cancellationToken).ConfigureAwait(false) is not { } session) return null;
        return await DescribeAsync(session, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IBlobWriter?> OpenPartAsync(BlobKey key, string uploadId, int number, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "upload", cancellationToken);
        UploadLimits.CheckNumber(number);
        if (await UnderWayAsync(key, uploadId, mayBeKnown: true, cancellationToken).ConfigureAwait(false) is null) return null;
        BlobKey part = KeyOf(uploadId, number);
        return new RemotePartWriter(
            store, store.OpenWriter(part), part, key, async () => await SessionAsync(key, uploadId, mayBeKnown: false, CancellationToken.None).ConfigureAwait(false) is not null);
    }

    public async ValueTask<IReadOnlyList<UploadedPart>?> ListPartsAsync(BlobKey key, string uploadId, int after = 0, int limit = 1000, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "list", cancellationToken);
        UploadLimits.CheckPage(after, limit);
        if (await UnderWayAsync(key, uploadId, mayBeKnown: false, cancellationToken).ConfigureAwait(false) is null) return null;
        List<RemoteListed> listed = [];
        await foreach (RemoteListed one in PartsAsync(uploadId, after, limit, cancellationToken).ConfigureAwait(false))
        {
            listed.Add(one);
            if (listed.Count == limit) break;
        }

        RemoteBlob?[] found = await LookAsync(listed.Select(l => l.Key), cancellationToken).ConfigureAwait(false);
        return [.. found.OfType<RemoteBlob>().Select(Describe)];
    }

    public async ValueTask<IReadOnlyList<MultipartUpload>> ListUploadsAsync(UploadListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = store.Enter("list");
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        var sessions = new ConcurrentBag<RemoteSession>();
        await foreach (IReadOnlyList<string> ids in IdsAsync(cancellationToken).ConfigureAwait(false))
        {
            await Parallel.ForEachAsync(ids, AtOnce(cancellationToken), async (id, token) =>
            {
                if (await SessionAsync(id, mayBeKnown: true, token).ConfigureAwait(false) is { } session && request.Shows(Describe(session, default, 0, 0))) sessions.Add(session);
            }).ConfigureAwait(false);
        }

        var shown = new List<MultipartUpload>();
        foreach (RemoteSession[] some in sessions.OrderBy(s => s.Info.Key).ThenBy(s => s.Id, StringComparer.Ordinal).Chunk(store.Parallelism))
        {
            if (shown.Count >= request.Limit) break;
            MultipartUpload?[] described = await Task.WhenAll(some.Select(s => DescribeAsync(s, cancellationToken).AsTask())).ConfigureAwait(false);
            shown.AddRange(described.OfType<MultipartUpload>());
        }

        return [.. shown.Take(request.Limit)];
    }

    public async ValueTask<CompleteResult> CompleteAsync(
        BlobKey key, string uploadId, IReadOnlyList<PartReference> parts, CompleteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "complete", cancellationToken);
        UploadLimits.CheckComplete(store.Capabilities, key, parts, options);
        if (!RemoteSession.IsId(uploadId)) return new CompleteResult(CompleteStatus.Missing);
        using KeyLocks.Held held = await _ends.EnterAsync(KeyOf(uploadId, 0), cancellationToken).ConfigureAwait(false);
        for (int look = 0; look < MostLooks; look++)
        {
            if (await UnderWayAsync(key, uploadId, mayBeKnown: false, cancellationToken).ConfigureAwait(false) is not { } session) return new CompleteResult(CompleteStatus.Missing);
            RemoteBlob?[] found = await LookAsync(parts.Select(p => KeyOf(uploadId, p.Number)), cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < parts.Count; i++)
            {
                if (found[i] is not { Info.Checksum: not null } part || part.Info.ETag != parts[i].ETag) return new CompleteResult(CompleteStatus.InvalidPart, null, parts[i].Number);
            }

            WriteResult result = await JoinAsync(session, found!, options, cancellationToken).ConfigureAwait(false);
            if (result.Status == WriteStatus.PreconditionFailed) return new CompleteResult(CompleteStatus.PreconditionFailed, result.Info);
            if (!result.IsWritten) continue;
            await DropAsync(session.Id, [KeyOf(session.Id, 0)]).ConfigureAwait(false);
            return new CompleteResult(CompleteStatus.Completed, result.Info);
        }

        throw new StorageException(StorageErrorKind.Unavailable, $"Store '{store.Capabilities.Store}' found parts of '{key}' replaced each of {MostLooks} times that it joined them.")
        {
            Operation = "complete", Key = key, Store = store.Capabilities.Store, IsTransient = true,
        };
    }

    public async ValueTask<bool> AbortAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = Enter(key, "abort", cancellationToken);
        if (!RemoteSession.IsId(uploadId)) return false;
        using KeyLocks.Held held = await _ends.EnterAsync(KeyOf(uploadId, 0), cancellationToken).ConfigureAwait(false);
        if (await UnderWayAsync(key, uploadId, mayBeKnown: false, cancellationToken).ConfigureAwait(false) is null) return false;
        _sessions.TryRemove(uploadId, out _);
        await store.RemoveOwnAsync([KeyOf(uploadId, 0)], CancellationToken.None).ConfigureAwait(false);
        await DropAsync(uploadId, []).ConfigureAwait(false);
        return true;
    }

    /// <summary>Removes uploads that nobody touched for the expiry, and parts whose upload is over.</summary>
    /// <param name="age">How old parts without an upload must be: their upload may be ending.</param>
    /// <param name="cancellationToken">Gives up between two uploads.</param>
    /// <returns>How many were removed.</returns>
    public async ValueTask<int> SweepAsync(TimeSpan age, CancellationToken cancellationToken)
    {
        var ended = new List<string>();
        await foreach (IReadOnlyList<string> ids in IdsAsync(cancellationToken).ConfigureAwait(false))
        {
            foreach (string id in ids)
            {
                cancellationToken.ThrowIfCancellationRequested();
                bool isOver = await SessionAsync(id, mayBeKnown: false, cancellationToken).ConfigureAwait(false) is { } session
                    ? await DescribeAsync(session, cancellationToken).ConfigureAwait(false) is null
                    : await IsLeftAsync(id, clock.GetUtcNow() - age, cancellationToken).ConfigureAwait(false);
                if (isOver) ended.Add(id);
            }
        }

        foreach (string id in ended)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using KeyLocks.Held held = await _ends.EnterAsync(KeyOf(id, 0), cancellationToken).ConfigureAwait(false);
            await DropAsync(id, [KeyOf(id, 0)]).ConfigureAwait(false);
        }

        return ended.Count;
    }
}
