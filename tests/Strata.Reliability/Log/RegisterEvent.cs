namespace Strata.Reliability;

/// <summary>A call on one key, as its caller saw it.</summary>
/// <param name="Key">The key.</param>
/// <param name="Action">What it did.</param>
/// <param name="Written">The value it wanted to write.</param>
/// <param name="Expected">Of a swap or a replacement: the value it had read.</param>
/// <param name="Result">Of a read the value, 0 for none; else 1 if it was applied.</param>
/// <param name="Call">When it began.</param>
/// <param name="Return">When it ended.</param>
internal readonly record struct RegisterEvent(string Key, RegisterAction Action, int Written, int Expected, int Result, int Call, int Return);
