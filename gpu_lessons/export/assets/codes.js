// A prediction as a short code that can be typed: 03A-QK7M is the first question of lesson 03, the place and the
// confidence in two signs, and two signs that only fit to these and to this question.
course.codes = {};
{
  const SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // no I, L, O and U: they are read as 1, 1, 0 and V
  const ALIKE = { I: "1", L: "1", O: "0", U: "V" };
  const PRIME = 1021; // the largest below 32 × 32

  function seal(asked) {
    let sum = 7;
    for (const sign of `${asked.key}|${asked.words.join("|")}`) sum = (sum * 31 + sign.codePointAt(0)) % PRIME;
    return sum;
  }

  const twoSigns = (number) => SIGNS[number >> 5] + SIGNS[number & 31];
  const number = (signs) => SIGNS.indexOf(signs[0]) * 32 + SIGNS.indexOf(signs[1]);
  const check = (asked, content) => (seal(asked) + 37 * content) % PRIME;

  course.codes.write = (asked, { place, sure = 0 }) => {
    const content = place * 3 + sure;
    return `${asked.code}-${twoSigns(content)}${twoSigns(check(asked, content))}`;
  };

  // Returns the answers to this question, how many codes belong to another one, and how many words are no codes.
  course.codes.read = (asked, text) => {
    const found = { answers: [], elsewhere: 0, skipped: 0 };
    for (const word of text.toUpperCase().split(/[\s,;]+/).filter(Boolean)) {
      const [, question, typed] = word.match(/^(\d\d[A-Z]{1,2})-([0-9A-Z]{4})$/) ?? [];
      const signs = typed?.replace(/[ILOU]/g, (sign) => ALIKE[sign]);
      const content = signs ? number(signs) : NaN;
      const [place, sure] = [Math.floor(content / 3), content % 3];
      const fits = signs && number(signs.slice(2)) === check(asked, content) && place < asked.words.length;
      if (question && question !== asked.code) found.elsewhere += 1;
      else if (fits && (asked.kind === "guess" || sure === 0)) found.answers.push({ place, sure });
      else found.skipped += 1;
    }
    return found;
  };
}
