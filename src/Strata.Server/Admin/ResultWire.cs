namespace Strata.Server;

/// <summary><see cref="WriteResult"/> as JSON.</summary>
internal sealed record WriteResultWire(WriteStatus Status, BlobInfoWire? Info, IReadOnlyList<string> Tiers)
{
    public static WriteResultWire From(WriteResult result) =>
        new(result.Status, result.Info is null ? null : BlobInfoWire.From(result.Info), result.Tiers);

    public WriteResult ToResult() => Status switch
    {
        WriteStatus.Written when Info is not null => WriteResult.Written(Info.ToInfo(), Tiers),
        WriteStatus.PreconditionFailed => WriteResult.PreconditionFailed(Info?.ToInfo()),
        WriteStatus.Missing => WriteResult.Missing,
        _ => throw new ArgumentException($"A write's result of status '{Status}' without a blob."),
    };
}

/// <summary><see cref="DeleteResult"/> as JSON.</summary>
internal sealed record DeleteResultWire(DeleteStatus Status, string Version)
{
    public static DeleteResultWire From(DeleteResult result) => new(result.Status, result.Version.ToString());

    public DeleteResult ToResult() => new(Status, BlobInfoWire.VersionOf(Version));
}

/// <summary><see cref="DeleteOutcome"/> as JSON.</summary>
internal sealed record DeleteOutcomeWire(string Key, DeleteStatus Status, ErrorWire? Error)
{
    public static DeleteOutcomeWire From(DeleteOutcome outcome) =>
        new(outcome.Key.Value, outcome.Status, outcome.Error is null ? null : ErrorWire.From(outcome.Error));

    public DeleteOutcome ToOutcome() => new(BlobKey.Parse(Key), Status, Error?.ToException() as StorageException);
}

/// <summary><see cref="ListPage"/> as JSON.</summary>
internal sealed record ListPageWire(IReadOnlyList<BlobInfoWire> Items, IReadOnlyList<string> Prefixes, string? Token)
{
    public static ListPageWire From(ListPage page) => new([.. page.Items.Select(BlobInfoWire.From)], page.Prefixes, page.Token);

    public ListPage ToPage() => new([.. Items.Select(i => i.ToInfo())], Prefixes, Token);
}

/// <summary>Where a blob is: its metadata and the tiers that hold it, fastest first.</summary>
internal sealed record LocateWire(string Key, BlobInfoWire Info, IReadOnlyList<string> Tiers);

/// <summary>
/// A failure: a <see cref="StorageException"/>, or a caller's mistake. Its kind is a <see cref="StorageErrorKind"/>, or
/// <see cref="Argument"/>, or <see cref="UnknownStore"/>.
/// </summary>
internal sealed record ErrorWire(
    string Kind, WriteOutcome Outcome, string Message, bool IsTransient = false, string Operation = "", string? Key = null, string Store = "")
{
    /// <summary>The kind of a request that breaks a rule of the contract.</summary>
    public const string Argument = "Argument";

    /// <summary>The kind of a request that names no store of this server.</summary>
    public const string UnknownStore = "UnknownStore";

    public static ErrorWire From(StorageException e) =>
        new(e.Kind.ToString(), e.Outcome, e.Message, e.IsTransient, e.Operation, e.Key?.Value, e.Store);

    public Exception ToException() => Enum.TryParse(Kind, out StorageErrorKind kind)
        ? new StorageException(kind, Message)
        {
            Outcome = Outcome,
            IsTransient = IsTransient,
            Operation = Operation,
            Key = BlobKey.TryParse(Key, out BlobKey key) ? key : null,
            Store = Store,
        }
        : new ArgumentException(Message);
}
