/* A sequence diagram as SVG: where things lie, then layer upon layer (lifelines, boxes, loops, messages, links).
 *
 * Labels are in a fixed-width font, so that widths are known here. Everything is in whole pixels: the same bytes everywhere. */
#include "report/svg.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEFT = 78, /* of the first lifeline */
    HEAD = 46, /* height of the heads' row */
    BOX = 10, /* width of an activation */
    SLOT = 5, /* how far a nested one is moved */
    MIN_GAP = 130,
    LABEL_PAD = 30,
    LINK_LANE = 30, /* at the right edge, for each link */
    LOOP_TAB = 54,
    LOOP_TOP = 21,
    LOOP_NOTE = 13,
    LOOP_BOTTOM = 8,
};

struct place {
    int y, line, bottom; /* of a row: its top, where its arrow lies, its end */
};

struct layout {
    const struct sequence *q;
    const struct record *r;
    struct palette *p;
    const char *id;
    FILE *f;
    int x[SEQ_MAX_LIFELINES + 1]; /* of lifelines; after the last one the right edge of its labels */
    int width, height;
    struct place *rows;
};

static int text_width(const char *text)
{
    return (int)(markup_length(text) * 64 / 10);
}

static int longest(const struct seq_row *row)
{
    int a = text_width(row->label), b = row->kind == SEQ_POINT && row->status ? a + 12 + text_width(row->status) : text_width(row->status);
    return a > b ? a : b;
}

static int slot_of(const struct layout *l, size_t box)
{
    return box == SEQ_NO_BOX ? 0 : (int)l->q->boxes[box].slot * SLOT;
}

/* ---- where things lie ---- */

static bool is_inside_label(const struct seq_row *row)
{
    return row->kind == SEQ_SELF || row->kind == SEQ_POINT;
}

static void place_lifelines(struct layout *l)
{
    const struct sequence *q = l->q;
    int need[SEQ_MAX_LIFELINES + 1], whole = 0;
    for (int i = 0; i < q->lifeline_count; i++)
        need[i] = i + 1 < q->lifeline_count ? MIN_GAP : 44;
    for (size_t i = 0; i < q->row_count; i++) {
        const struct seq_row *row = &q->rows[i];
        int across = row->kind >= SEQ_BAND ? text_width(row->label) + 34 : 0;
        whole = across > whole ? across : whole;
        if (row->hidden || row->kind == SEQ_GAP || row->kind >= SEQ_BAND)
            continue;
        int low = row->from < row->to ? row->from : row->to;
        size_t low_box = row->from < row->to ? row->from_box : row->to_box;
        if (is_inside_label(row))
            low = row->to, low_box = row->to_box;
        else if (row->from - row->to > 1 || row->to - row->from > 1)
            continue; /* it has more than one gap to lie in */
        int wide = longest(row) + slot_of(l, low_box) + LABEL_PAD;
        if (wide > need[low])
            need[low] = wide;
    }
    l->x[0] = LEFT;
    for (int i = 0; i < q->lifeline_count; i++)
        l->x[i + 1] = l->x[i] + need[i];
    if (l->x[q->lifeline_count] < whole)
        l->x[q->lifeline_count] = whole;
    l->width = l->x[q->lifeline_count] + (int)q->link_count * LINK_LANE + 8;
}

static int row_height(const struct seq_row *row)
{
    switch (row->kind) {
    case SEQ_GAP:
        return 36;
    case SEQ_CALL:
    case SEQ_ASYNC:
        return row->status ? 36 : 25;
    case SEQ_RETURN:
        return 19;
    case SEQ_SELF:
        return row->status ? 31 : 21;
    case SEQ_POINT:
        return 20;
    case SEQ_VERDICT:
        return 36;
    default:
        return 28;
    }
}

static int line_in_row(const struct seq_row *row)
{
    switch (row->kind) {
    case SEQ_CALL:
    case SEQ_ASYNC:
        return 18;
    case SEQ_SELF:
        return 15;
    case SEQ_RETURN:
        return 14;
    default:
        return row_height(row) / 2;
    }
}

static void place_rows(struct layout *l)
{
    const struct sequence *q = l->q;
    int y = HEAD;
    for (size_t i = 0; i < q->row_count; i++) {
        for (size_t k = 0; k < q->loop_count; k++)
            if (q->loops[k].first == i)
                y += LOOP_TOP + (q->loops[k].note ? LOOP_NOTE : 0);
        const struct seq_row *row = &q->rows[i];
        l->rows[i] = (struct place) { y, y + line_in_row(row), y + row_height(row) };
        if (row->hidden)
            l->rows[i] = (struct place) { y, y, y };
        y = l->rows[i].bottom;
        for (size_t k = 0; k < q->loop_count; k++)
            if (q->loops[k].last == i)
                y += LOOP_BOTTOM;
    }
    l->height = y + 16;
}

static int box_left(const struct layout *l, size_t box)
{
    const struct seq_box *b = &l->q->boxes[box];
    return l->x[b->lifeline] - BOX / 2 + (int)b->slot * SLOT;
}

/* Where an arrow that comes from (or goes to) that side meets a lifeline. */
static int edge(const struct layout *l, int lifeline, size_t box, bool right)
{
    return box == SEQ_NO_BOX ? l->x[lifeline] : box_left(l, box) + (right ? BOX : 0);
}

/* ---- texts ---- */

static void put_text(struct layout *l, int x, int y, const char *classes, const char *text)
{
    fprintf(l->f, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, classes);
    markup_text(l->f, text);
    fputs("</text>", l->f);
}

static const char *tone_class(enum seq_tone tone)
{
    static const char *const names[] = { "", " good", " bad", " quiet" };
    return names[tone];
}

static unsigned color_of(struct layout *l, uint32_t agent)
{
    return palette_color(l->p, record_name(l->r, agent));
}

/* ---- layers ---- */

static void draw_heads(struct layout *l)
{
    for (int i = 0; i < l->q->lifeline_count; i++) {
        const char *name = l->q->lifelines[i];
        int w = text_width(name) + 28;
        w = w < 96 ? 96 : w;
        fprintf(l->f, "<rect x=\"%d\" y=\"4\" width=\"%d\" height=\"26\" rx=\"5\" class=\"head\"/><text x=\"%d\" y=\"21\" class=\"name\">", l->x[i] - w / 2, w, l->x[i]);
        markup_text(l->f, name);
        fputs("</text>", l->f);
    }
    fputc('\n', l->f);
}

static void draw_lifelines(struct layout *l)
{
    const struct sequence *q = l->q;
    for (int i = 0; i < q->lifeline_count; i++) {
        fprintf(l->f, "<path class=\"life\" d=\"M%d 30V%d", l->x[i], HEAD);
        for (size_t k = 0; k < q->row_count; k++)
            if (q->rows[k].kind == SEQ_GAP && !q->rows[k].hidden)
                fprintf(l->f, "V%dM%d %d", l->rows[k].y, l->x[i], l->rows[k].bottom);
        fprintf(l->f, "V%d\"/>", l->height - 6);
        for (size_t k = 0; k < q->row_count; k++)
            if (q->rows[k].kind == SEQ_GAP && !q->rows[k].hidden)
                fprintf(l->f, "<path class=\"dots\" d=\"M%d %dV%d\"/>", l->x[i], l->rows[k].y + 2, l->rows[k].bottom);
    }
    fputc('\n', l->f);
}

static int box_top(const struct layout *l, const struct seq_box *b)
{
    const struct seq_row *row = &l->q->rows[b->first];
    bool arrow = row->kind == SEQ_CALL || row->kind == SEQ_ASYNC || row->kind == SEQ_SELF;
    return row->hidden ? l->rows[b->first].y : arrow ? l->rows[b->first].line : l->rows[b->first].y;
}

static int box_bottom(const struct layout *l, const struct seq_box *b)
{
    const struct place *p = &l->rows[b->last];
    int y = b->ends_on_line ? p->line + 2 : p->bottom - 3;
    int top = box_top(l, b);
    return y < top + 12 ? top + 12 : y;
}

static void draw_part_of_box(struct layout *l, const struct seq_box *b, int y0, int y1, bool active)
{
    if (y1 <= y0)
        return;
    fprintf(l->f, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"%s a%u%s\"/>", box_left(l, (size_t)(b - l->q->boxes)), y0, BOX, y1 - y0, active ? "box" : "held",
            color_of(l, b->agent), tone_class(b->tone));
}

/* Solid while its agent runs, pale while others do. */
static void draw_box(struct layout *l, const struct seq_box *b)
{
    int top = box_top(l, b), bottom = box_bottom(l, b), from = top;
    bool active = true;
    fputs("<g><title>", l->f);
    markup_text(l->f, b->name);
    fprintf(l->f, " · ");
    markup_text(l->f, record_name(l->r, b->agent));
    fputs("</title>", l->f);
    for (size_t i = b->first; i <= b->last && i < l->q->row_count; i++) {
        const struct seq_row *row = &l->q->rows[i];
        bool mine = row->agent == NO_NAME ? active : row->agent == b->agent;
        if (mine == active || row->hidden)
            continue;
        int y = l->rows[i].y + (row->kind == SEQ_GAP ? 6 : 0);
        draw_part_of_box(l, b, from, y, active);
        from = y;
        active = mine;
    }
    draw_part_of_box(l, b, from, bottom, active);
    fputs("</g>\n", l->f);
}

static void draw_gutter(struct layout *l)
{
    const struct sequence *q = l->q;
    for (size_t i = 0; i < q->row_count; i++) {
        if (q->rows[i].kind != SEQ_GAP || q->rows[i].hidden)
            continue;
        size_t end = i + 1;
        while (end < q->row_count && !(q->rows[end].kind == SEQ_GAP && !q->rows[end].hidden))
            end++;
        fprintf(l->f, "<rect x=\"2\" y=\"%d\" width=\"3\" height=\"%d\" class=\"gutter a%u\"/>", l->rows[i].y + 8, l->rows[end - 1].bottom - l->rows[i].y - 10,
                color_of(l, q->rows[i].agent));
    }
    fputc('\n', l->f);
}

static void draw_gap(struct layout *l, const struct seq_row *row, const struct place *p)
{
    int w = text_width(row->label) + 26;
    fprintf(l->f, "<rect x=\"2\" y=\"%d\" width=\"%d\" height=\"18\" rx=\"9\" class=\"pill a%u\"/><circle cx=\"13\" cy=\"%d\" r=\"4\" class=\"dot a%u\"/>", p->y + 8, w,
            color_of(l, row->agent), p->y + 17, color_of(l, row->agent));
    put_text(l, 22, p->y + 21, "label", row->label);
    if (row->status)
        put_text(l, w + 10, p->y + 21, "label quiet", row->status);
}

static void draw_head_of_arrow(struct layout *l, int x, int y, bool to_right, bool open, const char *tone)
{
    int d = to_right ? -7 : 7;
    fprintf(l->f, "<path class=\"%s%s\" d=\"M%d %dL%d %dL%d %d%s\"/>", open ? "open" : "tip", tone, x + d, y - 4, x, y, x + d, y + 4, open ? "" : "Z");
}

static void draw_message(struct layout *l, const struct seq_row *row, const struct place *p)
{
    bool right = l->x[row->to] >= l->x[row->from];
    int x0 = edge(l, row->from, row->from_box, right), x1 = edge(l, row->to, row->to_box, !right);
    bool back = row->kind == SEQ_RETURN;
    const char *tone = row->kind == SEQ_CALL && row->tone == TONE_QUIET ? "" : tone_class(row->tone);
    fprintf(l->f, "<path class=\"%s%s\" d=\"M%d %dH%d\"/>", back ? "return" : "message", tone, x0, p->line, x1 + (right ? -1 : 1));
    draw_head_of_arrow(l, x1, p->line, right, row->kind != SEQ_CALL, tone);
    char classes[60];
    int x = (right ? x0 : x1) + 10;
    snprintf(classes, sizeof classes, "label%s%s", back ? " small" : "", back || row->tone == TONE_BAD || row->tone == TONE_GOOD ? tone : "");
    put_text(l, x, p->line - 4, classes, row->label);
    if (row->status) {
        snprintf(classes, sizeof classes, "label small%s", tone_class(row->tone));
        put_text(l, x, p->line + 12, classes, row->status);
    }
}

static void draw_self(struct layout *l, const struct seq_row *row, const struct place *p)
{
    int x0 = edge(l, row->from, row->from_box, true), x1 = edge(l, row->to, row->to_box, true);
    int out = (x0 > x1 ? x0 : x1) + 9;
    fprintf(l->f, "<path class=\"message\" d=\"M%d %dH%dV%dH%d\"/>", x0, p->y + 6, out, p->line, x1 + 1);
    draw_head_of_arrow(l, x1, p->line, false, false, "");
    put_text(l, out + 6, p->y + 14, "label", row->label);
    if (row->status)
        put_text(l, out + 6, p->y + 25, "label small quiet", row->status);
}

static int point_label(const struct layout *l, const struct seq_row *row)
{
    return edge(l, row->to, row->to_box, true) + 12;
}

static void draw_point(struct layout *l, const struct seq_row *row, const struct place *p)
{
    int x = edge(l, row->to, row->to_box, true), at = point_label(l, row);
    char classes[40];
    fprintf(l->f, "<circle cx=\"%d\" cy=\"%d\" r=\"3\" class=\"point%s\"/>", x + 3, p->line, tone_class(row->tone));
    snprintf(classes, sizeof classes, "label%s", tone_class(row->tone));
    put_text(l, at, p->line + 4, classes, row->label);
    if (row->status)
        put_text(l, at + text_width(row->label) + 12, p->line + 4, "label quiet", row->status);
}

static void draw_band(struct layout *l, const struct seq_row *row, const struct place *p)
{
    int right = l->x[l->q->lifeline_count];
    static const char *const classes[] = { "", " good", " bad", "" };
    if (row->kind == SEQ_PART) {
        fprintf(l->f, "<path class=\"part\" d=\"M8 %dH%d\"/>", p->line, right);
        int w = text_width(row->label) + 16;
        fprintf(l->f, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"18\" rx=\"9\" class=\"partlabel\"/>", 8, p->line - 9, w);
        put_text(l, 16, p->line + 4, "label parttext", row->label);
        return;
    }
    bool verdict = row->kind == SEQ_VERDICT;
    fprintf(l->f, "<rect x=\"8\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\" class=\"%s%s\"/>", p->y + 4, right - 8, p->bottom - p->y - 8, verdict ? "verdict" : "band",
            verdict ? classes[row->tone] : "");
    char text[40];
    snprintf(text, sizeof text, verdict ? "label strong%s" : "label quiet", classes[row->tone]);
    put_text(l, 18, p->line + 4, text, row->label);
}

static void draw_row(struct layout *l, size_t i)
{
    const struct seq_row *row = &l->q->rows[i];
    const struct place *p = &l->rows[i];
    if (row->hidden)
        return;
    fprintf(l->f, "<g class=\"row\"");
    if (row->irp)
        fprintf(l->f, " data-irp=\"%s-%u\"", l->id, row->irp);
    fputc('>', l->f);
    if (row->tip || row->event != NO_EVENT) {
        fputs("<title>", l->f);
        markup_text(l->f, row->tip ? row->tip : row->label);
        if (row->event != NO_EVENT)
            fprintf(l->f, " · choice %u, %.6f s, IRQL %u", l->r->events[row->event].step, (double)l->r->events[row->event].r.time_100ns / 1e7,
                    l->r->events[row->event].r.irql);
        fputs("</title>", l->f);
    }
    if (row->kind == SEQ_GAP)
        draw_gap(l, row, p);
    else if (row->kind == SEQ_SELF)
        draw_self(l, row, p);
    else if (row->kind == SEQ_POINT)
        draw_point(l, row, p);
    else if (row->kind >= SEQ_BAND)
        draw_band(l, row, p);
    else
        draw_message(l, row, p);
    fputs("</g>\n", l->f);
}

static void draw_loop(struct layout *l, const struct seq_loop *loop)
{
    int left = l->width, right = 0, top = l->rows[loop->first].y - LOOP_TOP - (loop->note ? LOOP_NOTE : 0), bottom = l->rows[loop->last].bottom + 2;
    for (size_t i = loop->first; i <= loop->last; i++) {
        const struct seq_row *row = &l->q->rows[i];
        if (row->hidden || row->kind == SEQ_GAP || row->kind >= SEQ_BAND)
            continue;
        int a = l->x[row->from < row->to ? row->from : row->to], b = is_inside_label(row) ? point_label(l, row) + longest(row) + 10 : l->x[row->from > row->to ? row->from : row->to];
        left = a - LOOP_TAB < left ? a - LOOP_TAB : left;
        right = b + 14 > right ? b + 14 : right;
    }
    fprintf(l->f, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"loop\"/>", left, top, right - left, bottom - top);
    fprintf(l->f, "<path d=\"M%d %dh42v9l-6 6h-36z\" class=\"looptab\"/>", left, top);
    put_text(l, left + 7, top + 11, "label small strong", "loop");
    put_text(l, left + LOOP_TAB + 26, top + 12, "label small", loop->label);
    if (loop->note)
        put_text(l, left + LOOP_TAB + 26, top + 12 + LOOP_NOTE, "label small quiet", loop->note);
    fputc('\n', l->f);
}

/* The box in a driver that a link is about, and where the link's line meets its row. */
static size_t link_box(const struct seq_row *row)
{
    return row->to == SEQ_IO_MANAGER ? row->from_box : row->to_box;
}

static int link_edge(const struct layout *l, const struct seq_row *row)
{
    return edge(l, row->to == SEQ_IO_MANAGER ? row->from : row->to, link_box(row), true);
}

static int link_start(const struct layout *l, const struct seq_row *row)
{
    return row->kind == SEQ_POINT ? point_label(l, row) + longest(row) + 6 : link_edge(l, row) + 9;
}

static void draw_link(struct layout *l, size_t i)
{
    const struct seq_link *k = &l->q->links[i];
    const struct seq_row *from = &l->q->rows[k->from], *to = &l->q->rows[k->to];
    int lane = l->x[l->q->lifeline_count] + (int)i * LINK_LANE + 14, y0 = l->rows[k->from].line, y1 = l->rows[k->to].line;
    int x0 = link_start(l, from), x1 = link_start(l, to);
    const char *tone = tone_class(k->tone);
    fprintf(l->f, "<g class=\"link%s\"><title>", tone);
    markup_text(l->f, k->label);
    fprintf(l->f, "</title><path d=\"M%d %dH%dQ%d %d %d %dV%dQ%d %d %d %dH%d\"/>", x0, y0, lane - 6, lane, y0, lane, y0 + 6, y1 - 6, lane, y1, lane - 6, y1, x1 + 8);
    fprintf(l->f, "<path class=\"linktip\" d=\"M%d %dl8 -5v10z\"/>", x1, y1);
    fprintf(l->f, "<circle cx=\"%d\" cy=\"%d\" r=\"5\"/><circle cx=\"%d\" cy=\"%d\" r=\"5\"/>", link_edge(l, from) + 3, y0, link_edge(l, to) + 3, y1);
    fprintf(l->f, "<text class=\"label strong%s\" text-anchor=\"middle\" transform=\"translate(%d %d) rotate(90)\">", tone, lane + 5, (y0 + y1) / 2);
    markup_text(l->f, k->label);
    fputs("</text></g>\n", l->f);
}

void svg_sequence(FILE *f, const struct sequence *q, const struct record *r, struct palette *p, const char *id, const char *title)
{
    struct layout l = { .q = q, .r = r, .p = p, .id = id, .f = f };
    l.rows = calloc(q->row_count + 1, sizeof *l.rows);
    IR_ASSERT(l.rows);
    place_lifelines(&l);
    place_rows(&l);
    fprintf(f, "<svg id=\"%s\" class=\"sequence\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-labelledby=\"%s-t\">\n", id,
            l.width, l.height, l.width, l.height, id);
    fprintf(f, "<title id=\"%s-t\">", id);
    markup_text(f, title);
    fputs("</title>\n", f);
    draw_gutter(&l);
    draw_lifelines(&l);
    for (size_t i = 0; i < q->row_count; i++)
        if (q->rows[i].kind == SEQ_BAND && !q->rows[i].hidden)
            draw_row(&l, i);
    for (size_t i = 0; i < q->loop_count; i++)
        draw_loop(&l, &q->loops[i]);
    for (size_t i = 0; i < q->box_count; i++)
        if (!q->rows[q->boxes[i].first < q->row_count ? q->boxes[i].first : 0].hidden || q->boxes[i].last > q->boxes[i].first)
            draw_box(&l, &q->boxes[i]);
    for (size_t i = 0; i < q->row_count; i++)
        if (q->rows[i].kind != SEQ_BAND)
            draw_row(&l, i);
    for (size_t i = 0; i < q->link_count; i++)
        draw_link(&l, i);
    draw_heads(&l);
    fputs("</svg>\n", f);
    free(l.rows);
}
