namespace Strata;

/// <summary>What a scan of a segment found at its end.</summary>
/// <param name="End">How its frames end.</param>
/// <param name="Offset">Where: behind the last whole frame, a seal included.</param>
/// <param name="LastSequence">The highest LSN that counts: of an appended segment its last frame's but for the seal, one less than its first if it has none; of a compacted one the highest of its entries, or 0.</param>
/// <param name="Durable">The highest LSN that its head and its whole frames state as durable.</param>
/// <param name="Void">What it says of an earlier segment.</param>
/// <param name="Why">What is wrong with what is at <paramref name="Offset"/>; null if sealed or voided.</param>
/// <param name="CutBytes">If torn: so many bytes, about, of this incarnation do not count.</param>
/// <param name="Damage">Not null: something that was durable is lost. A sentence without its end, such as "the frame at offset 4096 …".</param>
internal readonly record struct LogScanResult(LogScanEnd End, uint Offset, ulong LastSequence, ulong Durable, LogVoid? Void, string? Why, uint CutBytes, string? Damage)
{
    public bool IsDamaged => Damage is not null;
}
