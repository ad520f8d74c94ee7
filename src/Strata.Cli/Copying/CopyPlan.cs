using System.Runtime.CompilerServices;

namespace Strata.Cli;

/// <summary>What a <c>strata cp</c> has to copy, by the kinds of its two ends.</summary>
internal sealed class CopyPlan(StoreSource stores, Address source, Address target, CopyChoices choices)
{
    private readonly CopyComparison _comparison = new(choices.ByChecksum);

    /// <summary>Checks the two ends before anything is copied.</summary>
    /// <exception cref="CliException">They do not fit.</exception>
    public async ValueTask<IAsyncEnumerable<CopyItem>> MakeAsync(CancellationToken cancellationToken)
    {
        if (source.Kind == AddressKind.Local)
        {
            if (target.Kind == AddressKind.Local) throw CliException.Usage($"'{source.Text}' and '{target.Text}' are both local. A store is written strata:STORE/KEY.");
            bool isFolder = Directory.Exists(source.Container);
            if (isFolder && !choices.IsRecursive) throw CliException.Usage($"'{source.Text}' is a folder. Copy it with -r.");
            if (!isFolder) LocalFile.RequireFile(source.Container);
            IBlobStore store = await stores.OpenAsync(target, StoreUse.Writing, cancellationToken);
            return isFolder ? UploadFolderAsync(store, cancellationToken) : Single(UploadFile(store));
        }

        IBlobStore from = await stores.OpenAsync(source, StoreUse.Reading, cancellationToken);
        if (target.Kind == AddressKind.Local)
            return choices.IsRecursive ? DownloadFolderAsync(from, cancellationToken) : Single(await DownloadFileAsync(from, cancellationToken));

        IBlobStore to = await stores.OpenAsync(target, StoreUse.Writing, cancellationToken);
        if (!choices.IsRecursive) return Single(await CopyBlobAsync(from, to, cancellationToken));
        if (ReferenceEquals(from, to) && TargetPrefix.StartsWith(SourcePrefix, StringComparison.Ordinal))
            throw CliException.Usage($"'{target.Text}' lies in '{source.Text}': the copy would copy itself.");
        return CopyFolderAsync(from, to, cancellationToken);
    }

    private string SourcePrefix => Folder(source.Key);

    private string TargetPrefix => Folder(target.Key);

    private static string Folder(string key) => key is "" || key.EndsWith('/') ? key : key + "/";

    private static async IAsyncEnumerable<CopyItem> Single(CopyItem item)
    {
        yield return item;
        await Task.CompletedTask;
    }

    private CopyItem UploadFile(IBlobStore store)
    {
        string name = Path.GetFileName(source.Container);
        Address to = target.Key is "" || target.Key.EndsWith('/') ? target.WithKey(target.Key + name) : target;
        return Upload(store, source.Container, source.Text, to.RequireKey(), to.Text, new FileInfo(source.Container).Length);
    }

    private async IAsyncEnumerable<CopyItem> UploadFolderAsync(IBlobStore store, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        var there = new ListedTarget(store, TargetPrefix);
        foreach (LocalTree.Entry entry in new LocalTree(source.Container).Files())
        {
            string shown = Path.Combine(source.Container, entry.Relative), to = target.WithKey(TargetPrefix + entry.Relative).Text;
            if (entry.IsSkipped) yield return CopyItem.Skip(shown, entry.Fault!);
            else if (entry.Fault is not null) yield return CopyItem.Impossible(shown, to, entry.Fault);
            else if (!BlobKey.TryParse(TargetPrefix + entry.Relative, out BlobKey key, out string? fault)) yield return CopyItem.Impossible(shown, to, fault);
            else yield return Upload(store, entry.Path, shown, key, to, entry.Length) with { IsThereAsync = await LookAsync(entry.Path, key) };
        }

        async ValueTask<Func<CancellationToken, ValueTask<bool>>?> LookAsync(string path, BlobKey key) =>
            !choices.IsForced && await there.FindAsync(key, cancellationToken) is { } listed ? cancel => _comparison.IsThereAsync(path, listed, store, cancel) : null;
    }

    private static CopyItem Upload(IBlobStore store, string path, string shown, BlobKey key, string to, long length) =>
        new(shown, to, length, async (passed, cancellationToken) =>
        {
            var options = new WriteOptions { ContentType = ContentTypes.Guess(path) };
            await store.WriteAsync(key, new MeteredContent(LocalFile.Content(path), passed), options, cancellationToken);
            return null;
        });

    private async ValueTask<CopyItem> DownloadFileAsync(IBlobStore store, CancellationToken cancellationToken)
    {
        BlobInfo info = await RequireAsync(store, cancellationToken);
        string path = target.Container;
        if (Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
        {
            string key = info.Key.Value, name = key[(key.LastIndexOf('/') + 1)..];
            path = Path.Combine(path, LocalTree.RequireName(name, key));
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder)) throw CliException.NotFound($"There is no folder '{folder}'.");
        return Download(store, info, path, _ => path);
    }

    private async IAsyncEnumerable<CopyItem> DownloadFolderAsync(IBlobStore store, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (File.Exists(target.Container)) throw CliException.Usage($"'{target.Text}' is a file; -r needs a folder.");
        if (!choices.IsDryRun) Directory.CreateDirectory(target.Container);
        var tree = new LocalTree(target.Container);
        await foreach (BlobInfo info in ListAsync(store, cancellationToken))
        {
            string relative = info.Key.Value[SourcePrefix.Length..];
            if (relative == "") continue;
            string path = Path.Combine(target.Container, relative);
            yield return Download(store, info, path, key => tree.Prepare(relative, key)) with
            {
                IsThereAsync = choices.IsForced ? null : cancel => _comparison.IsThereAsync(info, store, path, cancel),
            };
        }
    }

    /// <remarks>The file gets the time that the listing tells, by which it is known again.</remarks>
    private CopyItem Download(IBlobStore store, BlobInfo info, string shown, Func<string, string?> place) =>
        new(source.WithKey(info.Key.Value).Text, shown, info.Length, async (passed, cancellationToken) =>
        {
            string? path = place(info.Key.Value);
            if (path is null) return null;
            await using BlobReadResult? result = await store.ReadAsync(info.Key, null, cancellationToken);
            if (result is null) return Vanished();
            await LocalFile.WriteAsync(result, path, info.Modified, passed, cancellationToken);
            return null;
        });

    private async ValueTask<CopyItem> CopyBlobAsync(IBlobStore from, IBlobStore to, CancellationToken cancellationToken)
    {
        BlobInfo info = await RequireAsync(from, cancellationToken);
        string key = info.Key.Value, name = key[(key.LastIndexOf('/') + 1)..];
        Address place = target.Key is "" || target.Key.EndsWith('/') ? target.WithKey(target.Key + name) : target;
        return Copy(from, to, info, place.RequireKey(), place.Text);
    }

    private async IAsyncEnumerable<CopyItem> CopyFolderAsync(IBlobStore from, IBlobStore to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var there = new ListedTarget(to, TargetPrefix);
        await foreach (BlobInfo info in ListAsync(from, cancellationToken))
        {
            string key = TargetPrefix + info.Key.Value[SourcePrefix.Length..];
            string text = target.WithKey(key).Text;
            yield return BlobKey.TryParse(key, out BlobKey parsed, out string? fault)
                ? Copy(from, to, info, parsed, text) with { IsThereAsync = await LookAsync(info, parsed) }
                : CopyItem.Impossible(source.WithKey(info.Key.Value).Text, text, fault);
        }

        async ValueTask<Func<CancellationToken, ValueTask<bool>>?> LookAsync(BlobInfo info, BlobKey key) =>
            !choices.IsForced && await there.FindAsync(key, cancellationToken) is { } listed ? cancel => _comparison.IsThereAsync(info, from, listed, to, cancel) : null;
    }

    private CopyItem Copy(IBlobStore from, IBlobStore to, BlobInfo info, BlobKey key, string text) =>
        new(source.WithKey(info.Key.Value).Text, text, info.Length, async (passed, cancellationToken) =>
        {
            if (ReferenceEquals(from, to))
            {
                WriteResult copied = await from.CopyAsync(info.Key, key, null, cancellationToken);
                if (!copied.IsWritten) return Vanished();
                passed(info.Length);
                return null;
            }

            await using BlobReadResult? result = await from.ReadAsync(info.Key, null, cancellationToken);
            if (result is null) return Vanished();
            BlobInfo read = result.Info;
            var options = new WriteOptions
            {
                ContentType = read.ContentType, ContentEncoding = read.ContentEncoding, Metadata = read.Metadata, Expires = read.Expires, Checksum = read.Checksum,
            };
            await to.WriteAsync(key, new MeteredContent(BlobContent.From(result), passed), options, cancellationToken);
            return null;
        });

    /// <summary>Everything below the source's folder; that there is nothing is an error. A store that tells less in a listing than it knows is not asked for more.</summary>
    private async IAsyncEnumerable<BlobInfo> ListAsync(IBlobStore store, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        bool any = false;
        var request = new ListRequest { Prefix = SourcePrefix, Exact = false };
        do
        {
            ListPage page = await store.ListPageAsync(request, cancellationToken);
            foreach (BlobInfo info in page.Items)
            {
                any = true;
                yield return info;
            }

            request = request with { Token = page.Token };
        }
        while (request.Token is not null);

        if (!any) throw CliException.NotFound($"There are no blobs below '{source.Text}'.");
    }

    private async ValueTask<BlobInfo> RequireAsync(IBlobStore store, CancellationToken cancellationToken)
    {
        if (source.Key is not "" && !source.Key.EndsWith('/') && await store.StatAsync(source.RequireKey(), cancellationToken) is { } info) return info;
        ListPage below = await store.ListPageAsync(new ListRequest { Prefix = SourcePrefix, Limit = 1, Exact = false }, cancellationToken);
        throw below.Items.Count > 0 ? CliException.Usage($"'{source.Text}' is a folder of blobs. Copy it with -r.") : await Reading.MissingAsync(store, source, cancellationToken);
    }

    /// <summary>Why a blob that was listed is left out; of a copy of one blob, its failure.</summary>
    private string Vanished() => choices.IsRecursive
        ? "it has expired, or was deleted while the copy ran"
        : throw CliException.NotFound("It was deleted while the copy ran.");
}
