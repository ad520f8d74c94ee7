using System.Xml;
using Microsoft.Extensions.Logging;

namespace Strata.Server;

/// <summary>POST ?delete: up to 1,000 keys, perhaps with the ETag that each must have, and an outcome for each.</summary>
internal static class S3DeleteObjects
{
    private const int MaxKeys = 1000;

    /// <summary>One key as the client named it; its error is known before anything is deleted.</summary>
    /// <param name="Text">The key as given.</param>
    /// <param name="Key">The key.</param>
    /// <param name="Condition">What must hold of the object.</param>
    /// <param name="Error">Why it is not even tried; null if it is.</param>
    private readonly record struct Named(string Text, BlobKey Key, WriteCondition Condition, S3Error? Error);

    public static async Task HandleAsync(S3Request request)
    {
        IBlobStore store = request.Store;
        (IReadOnlyList<Named> named, bool isQuiet) = await S3XmlBody.ReadAsync(request, Parse);
        named = [.. named.Select(n => n.Error is null && !request.Principal.Allows(AccessRights.Delete, request.Target.Bucket, n.Text) ? n with { Error = S3Error.AccessDenied } : n)];
        BlobKey[] keys = [.. named.Where(n => n is { Error: null, Condition.Kind: WriteConditionKind.None }).Select(n => n.Key)];
        IReadOnlyList<DeleteOutcome> outcomes = keys.Length == 0 ? [] : (await store.DeleteManyAsync(keys, request.Aborted)).Outcomes;

        using var xml = new S3Xml("DeleteResult");
        int next = 0;
        foreach (Named one in named)
        {
            S3Error? error = one.Error
                ?? (one.Condition.Kind == WriteConditionKind.None ? ErrorOf(outcomes[next++]) : await DeleteAsync(store, one, request.Aborted));
            if (error is not null)
                xml.Open("Error").Element("Key", one.Text).Element("Code", error.Code).Element("Message", error.Message).Close("Error");
            else if (!isQuiet)
                xml.Open("Deleted").Element("Key", one.Text).Close("Deleted");
        }

        LogFailures(request, outcomes);
        await xml.SendAsync(request.Response);
    }

    private static async ValueTask<S3Error?> DeleteAsync(IBlobStore store, Named one, CancellationToken cancellationToken)
    {
        try
        {
            DeleteResult result = await store.DeleteAsync(one.Key, one.Condition, cancellationToken);
            return result.Status == DeleteStatus.PreconditionFailed ? S3Error.PreconditionFailed : null;
        }
        catch (StorageException e)
        {
            return S3ErrorMap.Of(e);
        }
    }

    /// <summary>The client is not told what the store said, so that the log must have it: of a thousand failures the first one.</summary>
    private static void LogFailures(S3Request request, IReadOnlyList<DeleteOutcome> outcomes)
    {
        int failed = outcomes.Count(o => o.Status == DeleteStatus.Failed);
        if (failed == 0) return;
        request.Served.Context.Loggers.CreateLogger("Strata.Server.S3").LogError(
            outcomes.First(o => o.Status == DeleteStatus.Failed).Error,
            "S3 {Operation} in '{Bucket}' failed for {Failed} keys, the first of them for this; request {Id}", request.Operation, request.Target.Bucket, failed, request.Id);
    }

    private static S3Error? ErrorOf(DeleteOutcome outcome) =>
        outcome.Status != DeleteStatus.Failed ? null : outcome.Error is { } error ? S3ErrorMap.Of(error) : S3Error.InternalError;

    private static (IReadOnlyList<Named> Named, bool IsQuiet) Parse(XmlReader reader)
    {
        if (reader.MoveToContent() != XmlNodeType.Element || reader.LocalName != "Delete") throw new XmlException();
        var named = new List<Named>();
        bool isQuiet = false;
        reader.ReadStartElement();
        while (reader.MoveToContent() == XmlNodeType.Element)
        {
            switch (reader.LocalName)
            {
                case "Quiet":
                    isQuiet = string.Equals(reader.ReadElementContentAsString().Trim(), "true", StringComparison.OrdinalIgnoreCase);
                    break;
                case "Object" when named.Count < MaxKeys && !reader.IsEmptyElement:
                    named.Add(ReadObject(reader));
                    break;
                default:
                    throw new XmlException();
            }
        }

        reader.ReadEndElement();
        return named.Count > 0 ? (named, isQuiet) : throw new XmlException();
    }

    private static Named ReadObject(XmlReader reader)
    {
        string? text = null, unsupported = null;
        WriteCondition condition = default;
        reader.ReadChildren(name =>
        {
            string content = reader.ReadElementContentAsString();
            if (name == "Key") text = content;
            else if (name == "ETag" && S3Conditions.Unquote(content) is { Length: > 0 } etag) condition = WriteCondition.IfMatch(etag);
            else if (name != "VersionId" || content != S3ListVersions.TheVersion) unsupported = name;
        });
        if (text is null) throw new XmlException();
        if (unsupported is not null) return new(text, default, default, S3Error.NotImplemented($"{unsupported} in DeleteObjects"));
        return BlobKey.TryParse(text, out BlobKey key, out string? fault) ? new(text, key, condition, null) : new(text, default, default, S3Error.InvalidKey(text, fault));
    }
}
