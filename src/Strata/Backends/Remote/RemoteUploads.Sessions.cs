using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>What is in the store of an upload, and how it ends.</content>
internal sealed partial class RemoteUploads
{
    private static BlobKey KeyOf(string id, int number) => BlobKey.Parse(string.Create(CultureInfo.InvariantCulture, $"{Folder}{id}/{number:d5}"));

    private static UploadedPart Describe(RemoteBlob part) => new()
    {
        Number = NumberOf(part.Info.Key.Value), Length = part.Info.Length, ETag = part.Info.ETag, Checksum = part.Info.Checksum ?? 0, Modified = part.Info.Modified, Metadata = part.Info.Metadata,
    };

    private static int NumberOf(string text) => int.Parse(text.AsSpan(text.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture);

    private static MultipartUpload Describe(RemoteSession session, DateTimeOffset touched, int parts, long bytes) => new()
    {
        Key = session.Info.Key, Id = session.Id, Created = session.Info.Created, Touched = touched, Parts = parts, Bytes = bytes, Options = session.Options,
    };

    private OperationGate.Pass Enter(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        OperationGate.Pass pass = store.Enter(operation);
        try
        {
            store.CheckKey(key, operation);
            cancellationToken.ThrowIfCancellationRequested();
            return pass;
        }
        catch
        {
            pass.Dispose();
            throw;
        }
    }

    private ParallelOptions AtOnce(CancellationToken cancellationToken) => new() { MaxDegreeOfParallelism = store.Parallelism, CancellationToken = cancellationToken };

    /// <summary>The upload, if nobody let its time pass. It costs a look at its parts only if it was begun so long ago.</summary>
    private async ValueTask<RemoteSession?> UnderWayAsync(BlobKey key, string id, bool mayBeKnown, CancellationToken cancellationToken)
    {
        RemoteSession? session = await SessionAsync(key, id, mayBeKnown, cancellationToken).ConfigureAwait(false);
        if (session is null || clock.GetUtcNow() - session.Info.Created < expiry) return session;
        return await DescribeAsync(session, cancellationToken).ConfigureAwait(false) is null ? null : session;
    }

    private async ValueTask<RemoteSession?> SessionAsync(BlobKey key, string id, bool mayBeKnown, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (!RemoteSession.IsId(id)) return null;
        return await SessionAsync(id, mayBeKnown, cancellationToken).ConfigureAwait(false) is { } session && session.Info.Key == key ? session : null;
    }

    /// <param name="id">Of the right form.</param>
    /// <param name="mayBeKnown">True to believe what is remembered: another process may have ended it, which the commits behind this look find out.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async ValueTask<RemoteSession?> SessionAsync(string id, bool mayBeKnown, CancellationToken cancellationToken)
    {
        if (_sessions.TryGetValue(id, out RemoteSession? known) && mayBeKnown) return known;
        if (await store.FindAsync(KeyOf(id, 0), "upload", cancellationToken).ConfigureAwait(false) is not { } found)
        {
            _sessions.TryRemove(id, out _);
            return null;
        }

        if (known is not null) return known;
        if (found.Info.Length > MostSessionBytes) throw StorageException.Corrupt("upload", found.Info.Key, store.Capabilities.Store, "its upload is longer than any is");
        BlobReadResult? read = await store.ReadAsync(found, cancellationToken).ConfigureAwait(false);
        if (read is null) return null;
        await using (read.ConfigureAwait(false))
        {
            using var content = new MemoryStream();
            await read.CopyToAsync(content, cancellationToken).ConfigureAwait(false);
            try
            {
                var session = RemoteSession.Read(id, content.ToArray());
                Know(session);
                return session;
            }
            catch (FormatException e)
            {
                throw StorageException.Corrupt("upload", found.Info.Key, store.Capabilities.Store, $"an upload cannot be read: {e.Message}", e);
            }
        }
    }

    private void Know(RemoteSession session)
    {
        // Sessions never change; to forget all of them now and then costs less than to know which are old.
        if (_sessions.Count >= KnownSessions) _sessions.Clear();
        _sessions[session.Id] = session;
    }

    /// <summary>The upload as its parts say; null if it is not there, or its time has passed.</summary>
    private async ValueTask<MultipartUpload?> DescribeAsync(RemoteSession session, CancellationToken cancellationToken)
    {
        int count = 0;
        long bytes = 0;
        DateTimeOffset touched = session.Info.Created, last = default;
        bool isThere = false;
        var newest = new List<BlobKey>();
        await foreach (RemoteListed one in ObjectsAsync(session.Id, null, PageLength, cancellationToken).ConfigureAwait(false))
        {
            if (NumberOf(one.Text) == 0)
            {
                isThere = true;
                continue;
            }

            count++;
            bytes += one.Length;
            if (one.Blob is { } blob && blob.Info.Modified > touched) touched = blob.Info.Modified;
            if (one.Blob is not null || one.Modified < last) continue;
            if (one.Modified > last) newest.Clear();
            last = one.Modified;
            newest.Add(one.Key);
        }

        // The server's clock tells which part came last, its record when, by that of the store.
        foreach (RemoteBlob? part in await LookAsync(newest.TakeLast(MostLooks), cancellationToken).ConfigureAwait(false))
        {
            if (part?.Info.Modified > touched) touched = part.Info.Modified;
        }

        if (isThere) return clock.GetUtcNow() - touched < expiry ? Describe(session, touched, count, bytes) : null;
        _sessions.TryRemove(session.Id, out _);
        return null;
    }

    private async ValueTask<bool> IsLeftAsync(string id, DateTimeOffset before, CancellationToken cancellationToken)
    {
        await foreach (RemoteListed one in ObjectsAsync(id, null, PageLength, cancellationToken).ConfigureAwait(false))
        {
            if (one.Modified >= before) return false;
        }

        return true;
    }

    private async ValueTask<RemoteBlob?[]> LookAsync(IEnumerable<BlobKey> keys, CancellationToken cancellationToken)
    {
        BlobKey[] all = [.. keys];
        var found = new RemoteBlob?[all.Length];
        await Parallel.ForEachAsync(Enumerable.Range(0, all.Length), AtOnce(cancellationToken), async (i, token) =>
            found[i] = await store.FindAsync(all[i], "upload", token).ConfigureAwait(false)).ConfigureAwait(false);
        return found;
    }

    private IAsyncEnumerable<RemoteListed> PartsAsync(string id, int after, int limit, CancellationToken cancellationToken) =>
        ObjectsAsync(id, KeyOf(id, after).Value, Math.Min(limit, PageLength), cancellationToken);

    private async IAsyncEnumerable<RemoteListed> ObjectsAsync(string id, string? after, int pageLength, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string folder = $"{Folder}{id}/";
        var request = new ListRequest { Prefix = folder, StartAfter = after, Limit = pageLength };
        await foreach (IReadOnlyList<RemoteListed> page in store.ListAsync(request, cancellationToken).ConfigureAwait(false))
        {
            foreach (RemoteListed one in page)
            {
                if (one.Text.Length == folder.Length + 5 && one.Text.AsSpan(folder.Length).IndexOfAnyExceptInRange('0', '9') < 0) yield return one;
            }
        }
    }

    private async IAsyncEnumerable<IReadOnlyList<string>> IdsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (IReadOnlyList<RemoteListed> page in store.ListAsync(new ListRequest { Prefix = Folder, Delimiter = "/", Limit = PageLength }, cancellationToken).ConfigureAwait(false))
            yield return [.. page.Where(p => p.IsPrefix).Select(p => p.Text[Folder.Length..^1]).Where(RemoteSession.IsId)];
    }

    /// <summary>Refused before any byte moves where the condition does not hold now; it is checked again at the commit.</summary>
    private async ValueTask<WriteResult> JoinAsync(RemoteSession session, RemoteBlob[] parts, CompleteOptions? options, CancellationToken cancellationToken)
    {
        long length = 0;
        uint checksum = 0;
        foreach (RemoteBlob part in parts)
        {
            checksum = Crc32C.Combine(checksum, part.Info.Checksum!.Value, part.Info.Length);
            length += part.Info.Length;
        }

        BlobKey key = session.Info.Key;
        if (length > store.Capabilities.MaxBlobLength)
        {
            throw new StorageException(StorageErrorKind.TooLarge, $"The parts of '{key}' have {length} bytes; store '{store.Capabilities.Store}' takes {store.Capabilities.MaxBlobLength} for one blob.")
            {
                Operation = "complete", Key = key, Store = store.Capabilities.Store,
            };
        }

        WriteOptions write = session.Options with { Condition = options?.Condition ?? default };
        var commit = new CommitOptions { ETag = options?.ETag, Checksum = options?.Checksum, Metadata = options?.Metadata };
        NewBlob.Verify(key, store.Capabilities.Store, length, checksum, null, write, commit);
        if (write.Condition.Kind != WriteConditionKind.None)
        {
            DateTimeOffset now = clock.GetUtcNow();
            RemoteBlob? there = await store.FindAsync(key, "complete", cancellationToken).ConfigureAwait(false);
            BlobInfo? current = there?.IsVisibleAt(now) == true ? there.Info : null;
            if (!write.Condition.Holds(current, RemoteBlob.Floor(there, now))) return WriteResult.PreconditionFailed(current);
        }

        return await store.JoinAsync(key, parts, length, checksum, write, commit, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes what is left of an upload, its own object first, as what finds that gone removes itself. What stays is invisible, and a sweep's.</summary>
    private async ValueTask DropAsync(string id, IReadOnlyList<BlobKey> first)
    {
        _sessions.TryRemove(id, out _);
        try
        {
            if (first.Count > 0) await store.RemoveOwnAsync(first, CancellationToken.None).ConfigureAwait(false);
            var rest = new List<BlobKey>();
            await foreach (RemoteListed one in ObjectsAsync(id, null, PageLength, CancellationToken.None).ConfigureAwait(false)) rest.Add(one.Key);
            if (rest.Count > 0) await store.RemoveOwnAsync(rest, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            log.LogWarning(e, "What is left of an upload in store '{Store}' could not be removed; a sweep will", store.Capabilities.Store);
        }
    }
}
