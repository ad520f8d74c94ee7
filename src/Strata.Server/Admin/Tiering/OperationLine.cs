using System.Text.Json.Serialization;

namespace Strata.Server;

/// <summary>
/// A line of the answer to a long operation, which holds one of the three: how far it is; what it came to, or why it ended, which
/// is the last line. An answer that ends without that broke off.
/// </summary>
internal sealed record OperationLine<TProgress, TResult>(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TProgress? Progress = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TResult? Result = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ErrorWire? Error = null)
    where TProgress : struct
    where TResult : class;
