using System.Text.Json.Serialization;

namespace Strata.Cli;

/// <summary>A blob that promote, demote, pin or unpin dealt with.</summary>
internal sealed record MovedLine(
    string Store,
    string Key,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] MoveStatus? Status = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Pin = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? WasPinned = null);

/// <summary>How a move by hand ended, for a person and as an exit code.</summary>
internal static class MoveWords
{
    /// <summary>Reports a move.</summary>
    /// <exception cref="CliException">There is no such blob, or it was not moved.</exception>
    public static int Report(Run run, Address blob, BlobKey key, MoveStatus status, string moved, string unchanged)
    {
        var line = new MovedLine(blob.Place, key.Value, status);
        if (status is MoveStatus.Moved or MoveStatus.Unchanged)
        {
            run.Report.Result($"{blob.Text} {(status == MoveStatus.Moved ? moved : unchanged)}", line, JsonLines.Context.MovedLine);
            return ExitCode.Done;
        }

        throw status switch
        {
            MoveStatus.Missing => TierCommand.Missing(blob),
            MoveStatus.Overtaken => new CliException(ExitCode.Failed, $"'{blob.Text}' was written or deleted meanwhile; it was not moved."),
            _ => new CliException(ExitCode.Failed, $"The tier does not take '{blob.Text}': it is too long, or the tier is full."),
        };
    }
}
