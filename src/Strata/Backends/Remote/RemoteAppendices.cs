using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>Records that are too long for headers, or were not known when those were sent: objects of the store's own, each named by its blob and never changed.</summary>
internal sealed class RemoteAppendices(IRemoteService service, ILogger log)
{
    private const int MostKnown = 4096;
    private const int MostBytes = 64 << 10;
    private readonly ConcurrentDictionary<string, byte[]> _known = new(StringComparer.Ordinal);

    private RemoteLimits Limits => service.Calls.Limits;

    /// <summary>Adds what a blob's appendix says.</summary>
    /// <param name="found">As its own headers say.</param>
    /// <param name="isLast">True to do without it if it is not there.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null if it is not there, so that the blob has probably been replaced: look again.</returns>
    public async ValueTask<RemoteBlob?> CompleteAsync(RemoteBlob found, bool isLast, CancellationToken cancellationToken)
    {
        if (found.Appendix is not { } name) return found;
        if (!_known.TryGetValue(name, out byte[]? json))
        {
            json = await ReadAsync(name, found.Info.Key, cancellationToken).ConfigureAwait(false);
            if (json is null)
            {
                if (!isLast) return null;
                log.LogWarning("The appendix of '{Key}' in store '{Store}' is missing: what it alone says (long metadata, what the writer of many parts told last) is not known.", found.Info.Key, Limits.Store);
                return found;
            }

            // To forget all of them now and then costs less than to know which are old.
            if (_known.Count >= MostKnown) _known.Clear();
            _known[name] = json;
        }

        try
        {
            return found with { Info = RemoteRecord.ReadAppendix(json, found) };
        }
        catch (FormatException e)
        {
            throw StorageException.Corrupt("stat", found.Info.Key, Limits.Store, $"its appendix cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Writes an appendix before the blob that names it, and takes it back if that is refused.</summary>
    /// <param name="key">The blob's.</param>
    /// <param name="name">The appendix's: its write's.</param>
    /// <param name="json">Its content; null for none.</param>
    /// <param name="write">Writes the blob.</param>
    public async ValueTask<RemoteAnswer> WithAsync(BlobKey key, string name, byte[]? json, Func<ValueTask<RemoteAnswer>> write)
    {
        if (json is null) return await write().ConfigureAwait(false);
        await service.Calls.ChangeAsync("write", key, Limits.ProgressTimeout, attempt => service.AnsweredAsync(async () =>
        {
            using var content = new MemoryStream(json, writable: false);
            await service.PutAsync(NameOf(name), content, RemoteHeaders.Json, default, isBlob: false, attempt).ConfigureAwait(false);
        }), null).ConfigureAwait(false);
        RemoteAnswer answer = await write().ConfigureAwait(false);
        if (answer != RemoteAnswer.Done) await DropAsync(name).ConfigureAwait(false);
        return answer;
    }

    /// <summary>Removes that of a blob that is gone.</summary>
    public ValueTask DropAsync(RemoteBlob? replaced) => replaced?.Appendix is { } name ? DropAsync(name) : default;

    /// <summary>One that stays costs its few bytes and no more: that is said, and harms no write.</summary>
    public async ValueTask DropAsync(string name)
    {
        _known.TryRemove(name, out _);
        try
        {
            using var attempt = new RemoteAttempt(Limits.ProgressTimeout, CancellationToken.None);
            await service.AnsweredAsync(() => service.RemoveAsync(NameOf(name), null, attempt)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not StorageException)
        {
            log.LogWarning(e, "The appendix '{Name}' of a blob that was replaced in store '{Store}' could not be removed.", NameOf(name), Limits.Store);
        }
    }

    private string NameOf(string appendix) => $"{service.Root}{RemoteUploads.AppendixFolder}{appendix}";

    private async ValueTask<byte[]?> ReadAsync(string name, BlobKey key, CancellationToken cancellationToken) =>
        await service.Calls.ReadAsync("stat", key, async attempt =>
        {
            try
            {
                using RemoteResponse response = await service.GetAsync(key, NameOf(name), null, null, attempt).ConfigureAwait(false);
                if (response.Length > MostBytes) throw StorageException.Corrupt("stat", key, Limits.Store, "its appendix is longer than any is");
                byte[] bytes = new byte[response.Length];
                await response.Checked.ReadExactlyAsync(bytes, attempt.Token).ConfigureAwait(false);
                return bytes;
            }
            catch (Exception e) when (service.AnswerOf(e) == RemoteAnswer.Missing)
            {
                return null;
            }
        }, cancellationToken).ConfigureAwait(false);
}
